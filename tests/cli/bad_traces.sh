#!/bin/bash
# `train` and `steer` reject traces and surrogates that are broken, hostile or belong to something else. They print one
# error line that names the culprit and a hint, exit with code 1, and write no output file.
. "$(dirname "$0")/common.sh" "$@"
here=$(dirname "$0")
make() {
  python3 "$here/make_traces.py" "$@" || fail "make_traces.py $*"
}
train() {
  expect_error 1 "$2" "$mascing" train "$1" -t 1 --epochs 2 --folds 0 -o "$work/out.safetensors"
}
steer() {
  expect_error 1 "$3" "$mascing" steer "$1" -t 1 --epochs 2 --surrogate "$2" -o "$work/out.gguf"
}
mean() {
  expect_error 1 "$2" "$mascing" steer "$1" --mean-difference 4 -o "$work/out.gguf"
}
# All three on one store.
all() {
  train "$1" "$2"
  steer "$1" "$work/good.safetensors" "$2"
  mean "$1" "$2"
}

# Valid ones first, so that the variants below are rejected only for what is broken in them.
make traces "$work/good"
make surrogate "$work/good.safetensors"
run 0 "$mascing" train "$work/good" -t 1 --epochs 2 --folds 2 -o "$work/trained.safetensors"
run 0 "$mascing" steer "$work/good" -t 1 --epochs 2 --surrogate "$work/good.safetensors" -o "$work/mask.gguf"
run 0 "$mascing" steer "$work/good" --mean-difference 4 -o "$work/mask.gguf"

# Logits.
for logit in nan inf -inf; do
  make traces "$work/logit$logit" "logit=$logit"
  all "$work/logit$logit" "c3: a router logit is NaN or infinite at token 2, layer 0, expert 1"
done

# Labels and lengths.
make traces "$work/ones" label=1
train "$work/ones" "both classes are needed: 12 traces with label 1 and 0 with label 0"
mean "$work/ones" "both classes"
make traces "$work/zeros" label=0
train "$work/zeros" "both classes are needed"
steer "$work/zeros" "$work/good.safetensors" "no trace of the class to leave (label 1)"
mean "$work/zeros" "both classes"
make traces "$work/sevens" label=7
all "$work/sevens" "label 7"
make traces "$work/nothing" tokens=0
all "$work/nothing" 'trace "c0"'
make traces "$work/empty" traces=0
train "$work/empty" "0 traces with label 1"
steer "$work/empty" "$work/good.safetensors" "no trace of the class to leave (label 1)"
mean "$work/empty" "both classes"

# Mismatched models.
make traces "$work/mixed" second=beef
all "$work/mixed" 'was recorded on model "stranger"'
make surrogate "$work/layers.safetensors" layers=3
steer "$work/good" "$work/layers.safetensors" "the surrogate reads 3 layers of 4 experts, the traces have 2 of 4"
make surrogate "$work/experts.safetensors" experts=8
steer "$work/good" "$work/experts.safetensors" "the surrogate reads 2 layers of 8 experts, the traces have 2 of 4"

# Shards and manifests: truncated, swapped, with false claims.
# broken NAME: a copy of the valid store.
broken() {
  cp -r "$work/good" "$work/$1"
  store=$work/$1
  shard=$store/shard-aa.safetensors
}
broken cut-shard && truncate -s -20 "$shard" && all "$store" "truncated"
broken cut-header && truncate -s 40 "$shard" && all "$store" "truncated"
broken cut-length && truncate -s 5 "$shard" && all "$store" "truncated"
broken no-shard && rm "$shard" && all "$store" "this shard is missing"
broken long-shard && echo more >>"$shard" && all "$store" "after the last tensor"
broken huge-header && printf '\377\377\377\377\377\377\377\177' | dd of="$shard" conv=notrunc status=none &&
  all "$store" "header of 9223372036854775807 bytes"
broken huge-shape && make header "$shard" '[4, 2, 4]' '[4611686018427387904, 2, 4]' && all "$store" "shape too large"
broken negative && make header "$shard" '[4, 2, 4]' '[-4, 2, 4]' && all "$store" "non-negative"
broken flat && make header "$shard" '[4, 2, 4]' '[32]' && all "$store" "expected an F16 tensor [T, 2, 4]"
broken offsets && make header "$shard" '[0, 64]' '[64, 128]' && all "$store" "overlap"
broken other-name && mv "$shard" "$store/shard-cc.safetensors" && sed -i 's/"aa"/"cc"/' "$store/manifest.json" &&
  all "$store" "contains a shard with another name"
broken escape && sed -i 's/"hash": "aa"/"hash": "..\/good\/shard-aa"/' "$store/manifest.json" &&
  all "$store" "is not the hash of a shard"
broken count && sed -i 's/"n_trace": 12/"n_trace": 11/' "$store/manifest.json" && all "$store" "the manifest lists 11"
broken layers && sed -i 's/"n_layer": 2/"n_layer": 9223372036854775807/' "$store/manifest.json" &&
  all "$store" "inconsistent"
broken cut-manifest && truncate -s 60 "$store/manifest.json" && all "$store" "manifest.json"
broken deep && python3 -c 'print("[" * 200000)' >"$store/manifest.json" && all "$store" "manifest.json"
broken version && sed -i 's/"format_version": 1/"format_version": 2/' "$store/manifest.json" &&
  all "$store" "unknown format version"
all "$demo" "no such file"
all "$planted" "manifest.json"

# Surrogates: truncated, swapped, with false claims.
head -c 300 "$work/good.safetensors" >"$work/cut.safetensors"
steer "$work/good" "$work/cut.safetensors" "cut.safetensors: the file is truncated"
: >"$work/empty.safetensors"
steer "$work/good" "$work/empty.safetensors" "empty.safetensors"
steer "$work/good" "$work/good/shard-aa.safetensors" "is not a surrogate"
steer "$work/good" "$planted" "$(basename "$planted")"
steer "$work/good" "$work" "$(basename "$work")"
make surrogate "$work/claim.safetensors" claim=9223372036854775807
steer "$work/good" "$work/claim.safetensors" "does not match the shape"
make surrogate "$work/many.safetensors" claim=1048576
steer "$work/good" "$work/many.safetensors" "does not match the shape"
make surrogate "$work/word.safetensors" claim=two
steer "$work/good" "$work/word.safetensors" 'n_layer is "two"'
for weight in nan inf; do
  make surrogate "$work/weight.safetensors" "weight=$weight"
  steer "$work/good" "$work/weight.safetensors" "a parameter is not finite"
done
# The second of two is checked like the first.
expect_error 1 "cut.safetensors" "$mascing" steer "$work/good" -t 1 --surrogate "$work/good.safetensors" \
  --surrogate "$work/cut.safetensors" -o "$work/out.gguf"

# Impossible options.
expect_error 2 "--lambda" "$mascing" steer "$work/good" --surrogate "$work/good.safetensors" --lambda nan -o "$work/out.gguf"
expect_error 2 "--lambda" "$mascing" steer "$work/good" --surrogate "$work/good.safetensors" --lambda -1 -o "$work/out.gguf"
expect_error 2 "--epochs" "$mascing" train "$work/good" --epochs 0 -o "$work/out.safetensors"
expect_error 2 "--learning-rate" "$mascing" train "$work/good" --learning-rate nan -o "$work/out.safetensors"
expect_error 2 "optimizer 'best'" "$mascing" steer "$work/good" --surrogate "$work/good.safetensors" --optimizer best -o "$work/out.gguf"
expect_error 2 "sigma rule" "$mascing" steer "$work/good" --surrogate "$work/good.safetensors" --sigma wide -o "$work/out.gguf"
expect_error 2 "validation share" "$mascing" steer "$work/good" --surrogate "$work/good.safetensors" --patience 3 -o "$work/out.gguf"

for left in "$work"/out*; do
  [ -e "$left" ] && [ "$left" != "$work/out" ] && fail "a failed command left $left"
done
finish
