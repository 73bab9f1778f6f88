#!/bin/bash
# Faults and wrong use: nothing computed is lost, no input is overwritten, damage is never believed, and what was not
# meant is refused in one line. Each check here failed once.
. "$(dirname "$0")/common.sh" "$@"

write_mask
mask=$work/mask.gguf
run 0 "$mascing" train "$work/traces" --epochs 2 --folds 0 -t 1 -o "$work/a.safetensors"
cp "$mask" "$work/kept.gguf"

# flip FILE [SHARE]: one bit at that share of the file.
flip() {
  python3 -c 'import sys
path, share = sys.argv[1], float(sys.argv[2])
data = bytearray(open(path, "rb").read())
data[min(len(data) - 1, int(len(data) * share))] ^= 4
open(path, "wb").write(data)' "$1" "${2:-0.7}"
}

# Names of several results hold all digits of lambda.
mkdir "$work/many"
run 0 "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" --lambda 0,1e-5,1e-4,1e-3 --epochs 2 -t 1 \
  -o "$work/many/m.gguf"
[ "$(ls "$work/many" | wc -l)" -eq 4 ] || fail "four results, but the files are $(ls "$work/many" | tr '\n' ' ')"
expect_error 2 "two results would have the name" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  --lambda 1e-3,0.001 -o "$work/many/m.gguf"

# With a descriptor closed, no output file gets its number.
expect_closed() {
  run 0 bash -c "$1 2>&-"
  expect_equal "with standard error closed" "$2" "$3"
}
run 0 "$mascing" mask compose "$mask" -o "$work/open.gguf"
expect_closed "$mascing mask compose $mask -o $work/closed.gguf" "$work/open.gguf" "$work/closed.gguf"
rows benign discovery 60 >"$work/chats.jsonl"
run 0 "$mascing" export "$mask" -m "$planted" --data "$work/chats.jsonl" --to lora -t 1 --fit-tokens 800 \
  -o "$work/m.lora.gguf"
run 0 "$mascing" export "$mask" -m "$planted" --adapter "$work/m.lora.gguf" --to gguf -t 1 -o "$work/open-baked.gguf"
expect_closed "$mascing export $mask -m $planted --adapter $work/m.lora.gguf --to gguf -t 1 -o $work/baked.gguf" \
  "$work/open-baked.gguf" "$work/baked.gguf"
expect_closed "$mascing mask unbake $work/baked.gguf -o $work/unbaked.gguf" "$planted" "$work/unbaked.gguf"
run 1 bash -c "$mascing mask show $mask >&-"

# No command overwrites its input, under whatever name.
ln -s mask.gguf "$work/link.gguf"
refuses_own() {
  local file=$1
  shift
  cp "$file" "$work/before"
  expect_error 2 "is the input" "$@"
  expect_equal "an input after a refusal" "$work/before" "$file"
}
refuses_own "$mask" "$mascing" export "$mask" --to easysteer -o "$mask"
refuses_own "$mask" "$mascing" export "$mask" --to easysteer -o "$work/link.gguf"
refuses_own "$mask" "$mascing" mask compose "$mask" "$work/kept.gguf" -o "$mask"
refuses_own "$work/a.safetensors" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  -o "$work/a.safetensors"
refuses_own "$work/traces/manifest.json" "$mascing" train "$work/traces" -o "$work/traces/manifest.json"
refuses_own "$work/labelled.jsonl" "$mascing" collect "$work/labelled.jsonl" -m "$planted" -o "$work/labelled.jsonl"
refuses_own "$work/chats.jsonl" "$mascing" import "$work/chats.jsonl" -o "$work/chats.jsonl"
refuses_own "$work/chats.jsonl" "$mascing" export "$mask" -m "$planted" --data "$work/chats.jsonl" --to lora \
  -o "$work/chats.jsonl"

# One bit is enough: masks, surrogates, traces.
cp "$mask" "$work/bad.gguf" && flip "$work/bad.gguf" 0.99
expect_error 1 "does not match its checksum" "$mascing" mask show "$work/bad.gguf"
cp "$work/a.safetensors" "$work/bad.safetensors" && flip "$work/bad.safetensors"
expect_error 1 "does not match its checksum" "$mascing" steer "$work/traces" --surrogate "$work/bad.safetensors" \
  -o "$work/x.gguf"
cp -r "$work/traces" "$work/bad-traces" && flip "$(echo "$work"/bad-traces/shard-*)"
expect_error 1 "does not match its checksum" "$mascing" train "$work/bad-traces" -o "$work/x.safetensors"
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/bad-traces"
expect_equal "a damaged shard, traced again" "$(echo "$work"/traces/shard-*)" "$(echo "$work"/bad-traces/shard-*)"

# train and steer look for a place before they work.
expect_error 1 "cannot create it" "$mascing" train "$work/traces" -o "$work/none/a.safetensors"
expect_error 1 "cannot create it" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  -o "$work/none/m.gguf"
! grep -q epoch "$work/err" || fail "steer worked before it looked"

finish
