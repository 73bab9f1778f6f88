#!/bin/bash
# The stages one by one: trace, train, steer, mask show, eval, and their errors for wrong inputs.
. "$(dirname "$0")/common.sh" "$@"
export MALLOC_PERTURB_=165
write_scenario "$work/tiny.toml"
# Alternating labels replace the model's own; that is enough to test the commands.
label() {
  python3 -c 'import json,sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    row["label"] = i % 2
    print(json.dumps(row))'
}
rows attacks discovery 24 | label >"$work/labelled.jsonl"
python3 -c 'import json
print(json.dumps({"id": "endless", "label": 1, "messages": [{"role": "user", "content": "word " * 3000}]}))' >>"$work/labelled.jsonl"

run 0 "$mascing" trace "$work/labelled.jsonl" "$work/data/benign.jsonl" -m "$planted" -t 1 -o "$work/traces"
says out "40 conversations traced, 6 layers x 16 experts; 1 skipped"
says out "skipped endless: too long"
says err "next: mascing train"
run 0 "$mascing" train "$work/traces" -t 1 --epochs 3 -o "$work/surrogate.safetensors"
says out "validation accuracy"
# Traces of other conversations stay, and are said to.
cp -r "$work/traces" "$work/other"
run 0 "$mascing" trace "$work/data/benign.jsonl" -m "$planted" -t 1 -o "$work/other"
says err "other keeps 1 file of other traces (1 MiB)"
says err "train and steer need both"
run 0 "$mascing" trace "$work/labelled.jsonl" "$work/data/benign.jsonl" -m "$planted" -t 1 -o "$work/other"
says err "41 conversations already done"  # one of them skipped
expect_equal "traced again" "$work/traces/manifest.json" "$work/other/manifest.json"
run 0 "$mascing" steer "$work/traces" -t 1 --epochs 10 --surrogate "$work/surrogate.safetensors" -o "$work/mask.gguf"
says out "entries active"
run 0 "$mascing" mask show "$work/mask.gguf"
says out "(planted)"
says out "method surrogate"

# The same seed gives the same bytes, another seed different ones.
run 0 "$mascing" trace "$work/labelled.jsonl" "$work/data/benign.jsonl" -m "$planted" -t 1 -o "$work/traces2"
run 0 "$mascing" train "$work/traces2" -t 1 --epochs 3 -o "$work/surrogate2.safetensors"
expect_equal "training twice" "$work/surrogate.safetensors" "$work/surrogate2.safetensors"
run 0 "$mascing" steer "$work/traces2" -t 1 --epochs 10 --surrogate "$work/surrogate2.safetensors" -o "$work/mask2.gguf"
expect_equal "steering twice" "$work/mask.gguf" "$work/mask2.gguf"
run 0 "$mascing" train "$work/traces" -t 1 --epochs 3 --seed 5 -o "$work/surrogate2.safetensors"
cmp -s "$work/surrogate.safetensors" "$work/surrogate2.safetensors" && fail "the seed changes nothing"

run 0 "$mascing" steer "$work/traces" --mean-difference 4 -o "$work/mean.gguf"
run 0 "$mascing" mask show "$work/mean.gguf"
says out "method mean_difference"

# Test conversations: said when they are traced, left out on request, found again by eval.
{ rows attacks discovery 12; rows attacks test 12; } | label >"$work/both.jsonl"
run 0 "$mascing" trace "$work/both.jsonl" -m "$planted" -t 1 -o "$work/both"
says err "12 of 24 conversations of both.jsonl belong to the test split"
run 0 "$mascing" steer "$work/both" --mean-difference 4 -o "$work/seen.gguf"
run 0 "$mascing" mask show "$work/seen.gguf"
says out "made with    24 conversations"
"$mascing" eval "$work/tiny.toml" -m "$planted" -t 1 --mask "$work/seen.gguf" -o "$work/seen" >"$work/out" 2>"$work/err"
says out "warning [tested_on_seen]"
says out "12 of the test conversations of DSR were used"
says out "on 60 conversations"
expect_error 2 "--alpha is the strength of one mask" "$mascing" eval "$work/tiny.toml" -m "$planted" \
  --mask "$work/seen.gguf=0.5" --alpha 1
run 0 "$mascing" trace "$work/both.jsonl" -m "$planted" -t 1 --split discovery -o "$work/discovery"
says out "12 conversations traced"
# A surrogate brings what it was trained on into the mask.
run 0 "$mascing" train "$work/both" -t 1 --epochs 1 -o "$work/both.safetensors"
run 0 "$mascing" steer "$work/discovery" -t 1 --epochs 1 --surrogate "$work/both.safetensors" -o "$work/trained.gguf"
run 0 "$mascing" mask show "$work/trained.gguf"
says out "made with    24 conversations"
sed 's/"label": 0/"label": 2/; s/"label": 1/"label": 0/; s/"label": 2/"label": 1/' "$work/both.jsonl" >"$work/flipped.jsonl"
run 0 "$mascing" trace "$work/both.jsonl" "$work/flipped.jsonl" -m "$planted" -t 1 -o "$work/flipped"
says err "labels: 24 with label 1, 24 with label 0, 0 without"
says err "[labels_contradict] another label, or none, than an equal one: 24 conversations"
rows attacks test 4 >"$work/four.jsonl"
expect_error 1 "four.jsonl has no conversation of the split selection" "$mascing" trace "$work/four.jsonl" -m "$planted" \
  --split selection -o "$work/wrong"
expect_error 2 "--split" "$mascing" trace "$work/both.jsonl" -m "$planted" --split tset -o "$work/wrong"

# Mismatched inputs.
expect_error 2 "neither --surrogate nor --mean-difference" "$mascing" steer "$work/traces" -o "$work/m.gguf"
expect_error 1 "none.safetensors" "$mascing" steer "$work/traces" --surrogate "$work/none.safetensors" -o "$work/m.gguf"
run 2 "$mascing" steer "$work/traces" --mean-difference 4 --sigma wide -o "$work/m.gguf"
says err "mascing: error: [mask] sigma rule"
[ -e "$work/m.gguf" ] && fail "a failed command left a mask"
grep -v '"label": 1' "$work/labelled.jsonl" >"$work/zeros.jsonl"
run 0 "$mascing" trace "$work/zeros.jsonl" -m "$planted" -t 1 -o "$work/zeros"
expect_error 1 "label 1" "$mascing" train "$work/zeros" -t 1 -o "$work/s.safetensors"
expect_error 1 "" "$mascing" steer "$work/zeros" --mean-difference 4 -o "$work/m.gguf"
expect_error 1 "" "$mascing" steer "$work/zeros" -t 1 --surrogate "$work/surrogate.safetensors" -o "$work/m.gguf"
expect_error 1 "/dev/full" "$mascing" steer "$work/traces" --mean-difference 4 -o /dev/full
expect_error 1 "$work/none" "$mascing" steer "$work/traces" --mean-difference 4 -o "$work/none/m.gguf"

# The error about a mask of another model names both models.
expect_error 1 "(planted)" "$mascing" eval "$work/tiny.toml" -m "$natural" -t 1 --mask "$work/mask.gguf" -o "$work/eval"
says err "(natural)"
finish
