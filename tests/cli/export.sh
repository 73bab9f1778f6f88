#!/bin/bash
# Every export of a mask on the demo model, checked with Python's standard library, and every way to fail.
. "$(dirname "$0")/common.sh" "$@"
export MALLOC_PERTURB_=165
tools=$(cd "$(dirname "$0")" && pwd)/gguf_tools.py
python=(python3 "$tools")
rows attacks discovery 24 | python3 -c 'import json,sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    row["label"] = i % 2
    print(json.dumps(row))' >"$work/labelled.jsonl"
{ rows attacks discovery 30; rows benign discovery 30; rows direct discovery 10; } >"$work/chats.jsonl"
{ rows attacks test 4; rows benign test 4; } >"$work/check.jsonl"
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/traces"
run 0 "$mascing" steer "$work/traces" --mean-difference 4 -o "$work/mask.gguf"
run 0 "$mascing" steer "$work/traces" --mean-difference 2 -o "$work/half.gguf"
write_scenario "$work/eval.toml"
export_mask=("$mascing" export "$work/mask.gguf=1.5" -t 1 --fit-tokens 4000)

# The adapter: the quality of the fit is printed and stored, and so is the check.
run 0 "${export_mask[@]}" -m "$planted" --data "$work/chats.jsonl" --to lora -o "$work/a.gguf" --check "$work/check.jsonl"
says out "same experts"
says out "refusal decisions changed"
says err "--lora-scaled $work/a.gguf:1.50"
says err "--reasoning off"
run 0 "$mascing" mask verify "$work/a.gguf" -m "$planted"
says out "LoRA adapter"
says out "exact mask vs. exported form"
says out "fits"
run 0 "${export_mask[@]}" -m "$planted" --data "$work/chats.jsonl" --to lora -o "$work/again.gguf" --check "$work/check.jsonl"
grep -qF "[checked_on_fitted]" "$work/err" && fail "a check on other conversations is called one on the same"
expect_equal "exporting twice" "$work/a.gguf" "$work/again.gguf"
# It works without conversations, and says so.
run 0 "${export_mask[@]}" -m "$planted" --to lora -o "$work/self.gguf"
says err "[no_calibration_data]"

# The findings of --check are added to the results of the run that made the mask, and to its report.
run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$mascing" eval "$work/eval.toml" -m "$planted" --mask "$work/mask.gguf" \
  --alpha 1.5 -t 1 -o "$work/eval" # 1: the mask may be too strong or too weak here, which does not matter
run 0 "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to lora -o "$work/b.gguf" --check "$work/check.jsonl" \
  --results "$work/eval/results.json"
says err "eval/report.html"
run 0 python3 -c 'import json,sys
(form,) = json.load(open(sys.argv[1]))["exports"]
assert form["file"] == "b.gguf" and form["form"] == "lora" and form["alpha"] == 1.5, form
assert form["n_token"] > 0 and len(form["same_experts"]) == len(form["blocks"]) == 6, form' "$work/eval/results.json"
grep -q 'id="exports".*Exports' "$work/eval/report.html" || fail "the report does not show the check"
expect_error 1 "a different mask" "$mascing" export "$work/half.gguf" -m "$planted" --to lora -o "$work/x" \
  --check "$work/check.jsonl" --results "$work/eval/results.json"
expect_error 2 "ollama takes --to gguf" "${export_mask[@]}" -m "$planted" --to ollama -o "$work/x"
expect_error 2 "vllm takes --to hf" "${export_mask[@]}" -m "$planted" --to vllm -o "$work/x"
expect_error 2 "needs --check" "${export_mask[@]}" -m "$planted" --to lora -o "$work/x" --results "$work/eval/results.json"

# Baked: routers plus adapter in double, everything else unchanged, and back.
run 0 "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$work/steered.gguf" --check "$work/check.jsonl"
says out "rounding to f32"
expect_error 1 "(natural)" "${export_mask[@]}" -m "$natural" --adapter "$work/a.gguf" --to lora -o "$work/x"
expect_error 1 "none.gguf" "${export_mask[@]}" -m "$work/none.gguf" --adapter "$work/a.gguf" --to lora -o "$work/x"
run 0 "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to lora -o "$work/a:b"
says err "rename the file before --lora-scaled"
[ -z "$(find "$work" -maxdepth 1 -name 'steered.gguf.tmp-*')" ] || fail "the trial copy was left behind"
run 0 "$mascing" inspect "$work/steered.gguf"
says out "baked mask    a mask at strength 1.50"
# Tensors that are less aligned than llama.cpp wants stay at places that it takes.
run 0 "${python[@]}" less_aligned "$planted" "$work/close.gguf" 8
for strength in 1.5 0.25; do
  run 0 "$mascing" export "$work/mask.gguf=$strength" -t 1 -m "$work/close.gguf" --adapter "$work/a.gguf" --to gguf -o "$work/moved.gguf"
  run 0 "$mascing" inspect "$work/moved.gguf"
  run 0 "$mascing" mask unbake "$work/moved.gguf" -o "$work/close-again.gguf"
  expect_equal "unbaking what is less aligned" "$work/close.gguf" "$work/close-again.gguf"
done
run 1 "$mascing" mask verify "$work/mask.gguf" -m "$work/steered.gguf"
says err "this model has a mask at strength 1.50 in its routers; use the original"
run 0 "$mascing" trace "$work/check.jsonl" -m "$work/steered.gguf" -t 1 -o "$work/of-steered"
says err "already has a mask at strength 1.50 in its routers"
run 0 "${python[@]}" check_gguf "$planted" "$work/a.gguf" "$work/steered.gguf" 1.5 1e-6
says out "6 routers checked"
run 0 "$mascing" mask verify "$work/steered.gguf" -m "$planted"
says out "intact"
run 0 "$mascing" mask verify "$planted"
says out "without a baked mask"
run 0 "$mascing" mask unbake "$work/steered.gguf" -o "$work/original.gguf"
expect_equal "unbaking" "$work/original.gguf" "$planted"

# A Hugging Face folder.
mkdir "$work/hf"
run 0 "${python[@]}" make_folder "$planted" "$work/hf"
run 0 "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to hf -o "$work/hf-steered"
says out "2 files rewritten"
run 0 "${python[@]}" check_folder "$work/hf" "$work/a.gguf" "$work/hf-steered" 1.5
says out "6 routers checked"
run 0 "$mascing" mask verify "$work/hf-steered"
says out "intact"

expect_error 2 "-m is only compared" "$mascing" mask verify "$work/hf-steered" -m "$planted"
expect_error 2 "-m is only compared" "$mascing" mask verify "$planted" -m "$work/none.gguf"
cp -r "$work/hf-steered" "$work/hf-changed"
run 0 python3 -c 'import json,sys
record = json.load(open(sys.argv[1]))
record["routers"][next(iter(record["routers"]))] = "0" * 64
json.dump(record, open(sys.argv[1], "w"))' "$work/hf-changed/mascing.json"
run 1 "$mascing" mask verify "$work/hf-changed"
says out "1 changed after baking"
says err "1 routers in"

# A PEFT adapter: its matrices are those of the adapter above, at the strength of the mask.
run 0 "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to peft -o "$work/peft"
says err "--enable-lora"
run 0 "${python[@]}" check_peft "$work/hf" "$work/a.gguf" "$work/peft" 1.5
says out "6 routers checked"
run 0 "$mascing" mask verify "$work/peft"
says out "PEFT adapter"
says out "files  intact"
expect_error 2 "is within the model's folder" "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to hf \
  -o "$work/hf/steered"
cd "$work/hf" || exit 1
expect_error 2 "is within the model's folder" "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir . --to hf -o steered
cd "$work" || exit 1
[ -e "$work/hf/steered" ] && fail "something was left in the model's folder"
expect_error 2 "--model-dir" "${export_mask[@]}" --adapter "$work/a.gguf" --to peft -o "$work/x"
expect_error 2 "already exists" "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to peft -o "$work/peft"
# In an independent forward pass in PyTorch it answers as the baked folder does.
forward=$(cd "$(dirname "$0")/../../benchmarks/export" && pwd)/hf_forward.py
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  run 0 /usr/bin/python3 "$forward" same_replies "$work/hf" "$work/hf-steered" "$work/peft" 6 12
  says out "6 of 6 replies are the same"
else
  echo "SKIP: there is no PyTorch, so the PEFT adapter was not run"
fi

# EasySteer.
easysteer=("$mascing" export "$work/mask.gguf=1.5" --to easysteer)
run 0 "${easysteer[@]}" -o "$work/m.json"
says err "[two_levels]"
expect_error 2 "--model has no effect with --to easysteer" "${easysteer[@]}" -m "$planted" -o "$work/x"
expect_error 2 "--seed has no effect with --to easysteer" "${easysteer[@]}" --seed 3 -o "$work/x"
run 0 python3 -c 'import json,sys
layers = json.load(open(sys.argv[1]))["layer_configs"]
assert layers and all(c["mode"] == "soft" and c["expert_ids"] and c["lambda"] for c in layers.values())' "$work/m.json"

run 0 "$mascing" export "$work/mask.gguf=0.004" -m "$planted" -t 1 --fit-tokens 1000 --to lora -o "$work/weak.gguf"
says err "--lora-scaled $work/weak.gguf:0.004"

# What llama-server is told, by a program in its place (tests/cli/serve.sh runs the server).
printf '#!/bin/sh\necho "$@"\n' >"$work/told"
chmod +x "$work/told"
serve=(env "MASCING_CACHE_DIR=$work/cache" "$mascing" serve -m "$planted" -t 1 --mask "$work/mask.gguf=1.5" --adapter "$work/a.gguf"
  --server "$work/told" --port $((20000 + RANDOM % 20000)))
run 0 "${serve[@]}" -- --ctx_size 4096
says out "--reasoning off"
says out "--ctx_size 4096"
grep -q -- "--load-mode" "$work/out" && fail "a mode of loading that nobody asked for"
run 0 "${serve[@]}" --template-arg enable_thinking=true --no-mmap --mlock
says out "--reasoning on"
says out "--load-mode mlock"
run 0 "${serve[@]}" --mask "$work/mask.gguf=1.5" --mlock
says out "--load-mode mmap+mlock"
says err "[mask_repeated]"
for refused in --cache_prompt --cache-reuse=256 --lora_scaled -m --port -hf --model_url; do
  expect_error 2 "cannot be passed to llama-server" "${serve[@]}" -- $refused x
done

# Several masks.
run 0 "$mascing" mask compose "$work/mask.gguf=0.5" "$work/half.gguf=0.25" -o "$work/both.gguf"
run 0 "$mascing" mask diff "$work/mask.gguf=0.5" "$work/mask.gguf=0.25"
says out "cosine       1.0000"
says out "difference   0.5000"
run 0 "$mascing" mask compose "$work/mask.gguf=1" "$work/half.gguf=-1" -o "$work/difference.gguf"
says err "[masks_disagree]"

# Masks of different sigma rules: one file of format 2, which exports and is verified like any other.
run 0 "$mascing" steer "$work/traces" --mean-difference 2 --sigma calibrated -o "$work/calibrated.gguf"
run 0 "$mascing" mask compose "$work/mask.gguf=0.5" "$work/calibrated.gguf=0.5" -o "$work/mixed.gguf"
says out "sigma token + calibrated"
says err "format 2"
run 0 "$mascing" mask show "$work/mixed.gguf"
says out "sigma token + calibrated"
run 0 "$mascing" mask diff "$work/mixed.gguf" "$work/calibrated.gguf"
run 0 "$mascing" mask verify "$work/mixed.gguf" -m "$planted"
says out "fits"
run 0 "$mascing" export "$work/mixed.gguf" -m "$planted" -t 1 --fit-tokens 4000 --data "$work/chats.jsonl" --to lora \
  -o "$work/mixed.lora.gguf" --check "$work/check.jsonl"
says out "same experts"
run 0 "$mascing" export "$work/mask.gguf=0.5" "$work/calibrated.gguf=0.5" -m "$planted" -t 1 --fit-tokens 4000 \
  --data "$work/chats.jsonl" --to lora -o "$work/mixed2.lora.gguf" --check "$work/check.jsonl"
expect_equal "composing before and at the export" "$work/mixed.lora.gguf" "$work/mixed2.lora.gguf"
run 0 "$mascing" export "$work/mixed.gguf" -m "$planted" --adapter "$work/mixed.lora.gguf" --to gguf -o "$work/mixed-baked.gguf"
run 0 bash -c 'echo "Tell me of the mill." | "$@"' _ "$mascing" chat -m "$planted" --mask "$work/mixed.gguf" -t 1 --max-tokens 8
says out "steered, alpha 1.00"
run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$mascing" eval "$work/eval.toml" -m "$planted" --mask "$work/mixed.gguf" -t 1 \
  -o "$work/eval-mixed"

# A server to verify that is none, or does not answer.
verify=("$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --data "$work/check.jsonl" --verify-server)
expect_error 1 "connect to server" "${verify[@]}" http://127.0.0.1:9
expect_error 2 "no questions" "$mascing" export "$work/mask.gguf" -m "$planted" --verify-server http://127.0.0.1:9
expect_error 2 "needs the model" "$mascing" export "$work/mask.gguf" --data "$work/check.jsonl" --verify-server http://127.0.0.1:9
expect_error 2 "--model-dir has no effect with --verify-server" "${verify[@]}" http://127.0.0.1:9 --model-dir "$work/hf"
expect_error 2 "writes nothing" "${verify[@]}" http://127.0.0.1:9 --to lora
expect_error 2 "--to is required" "$mascing" export "$work/mask.gguf" -m "$planted" -o "$work/x"

# Mismatched inputs.
cp "$planted" "$work/model.gguf"
expect_error 1 "(natural)" "${export_mask[@]}" -m "$natural" --to lora -o "$work/x"
expect_error 1 "was made for" "${export_mask[@]}" -m "$natural" --adapter "$work/a.gguf" --to gguf -o "$work/x"
expect_error 1 "another mask" "$mascing" export "$work/half.gguf" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$work/x"
LC_ALL=C sed 's/ffn_gate_inp/ffn_gate_imp/g' "$planted" >"$work/dense.gguf"
expect_error 1 "dense model" "${export_mask[@]}" -m "$work/dense.gguf" --to lora -o "$work/x"
expect_error 2 "neither -m nor --adapter" "${export_mask[@]}" --to lora -o "$work/x"
expect_error 2 "--model-dir" "${export_mask[@]}" --adapter "$work/a.gguf" --to hf -o "$work/x"
expect_error 2 "--to" "${export_mask[@]}" -m "$planted" --to tarot -o "$work/x"
expect_error 2 "is not a number" "$mascing" export "$work/mask.gguf=strong" -m "$planted" --to lora -o "$work/x"
expect_error 1 "strength is 0" "$mascing" export "$work/mask.gguf=0" -m "$planted" --to lora -o "$work/x"
expect_error 1 "strength is 0" "$mascing" export "$work/mask.gguf=0" --to easysteer -o "$work/x"
expect_error 2 "is the model itself" "${export_mask[@]}" -m "$work/model.gguf" --adapter "$work/a.gguf" --to gguf -o "$work/model.gguf"
expect_equal "the source" "$work/model.gguf" "$planted"
expect_error 1 "dense model" "${export_mask[@]}" -m "$work/dense.gguf" --adapter "$work/a.gguf" --to gguf -o "$work/x"
expect_error 1 "the mask was made for" "${export_mask[@]}" -m "$work/steered.gguf" --adapter "$work/a.gguf" --to gguf -o "$work/x"
says err "has a mask at strength 1.50 in its routers; use the original"
expect_error 1 "is not baked" "$mascing" mask unbake "$planted" -o "$work/x"
expect_error 1 "none" "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$work/none/x.gguf"
sources=$(cat "$planted" "$work/hf"/* | sha256sum)
mkdir "$work/bad"
cp "$work/hf"/* "$work/bad"
bake_bad=("${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/bad" --to hf -o "$work/x")
python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(20)
    file.write(b"\xff{")' "$work/bad/model-00001-of-00002.safetensors"
expect_error 1 "model-00001-of-00002.safetensors" "${bake_bad[@]}"
cp "$work/hf/model-00001-of-00002.safetensors" "$work/bad"
python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.write(b"\xff" * 8)' "$work/bad/model-00002-of-00002.safetensors"
expect_error 1 "model-00002-of-00002.safetensors" "${bake_bad[@]}"
rm "$work/bad/model-00002-of-00002.safetensors"
expect_error 1 "which is missing" "${bake_bad[@]}"
[ -z "$(find "$work" -maxdepth 1 -name 'x*')" ] || fail "a failed export left its output"

# Targets that cannot be written or are too small.
write_all() { # CODE TEXT FOLDER
  run "$1" "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to lora -o "$3/x.lora.gguf"
  says err "$2"
  expect_error "$1" "$2" "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$3/x.gguf"
  expect_error "$1" "$2" "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to hf -o "$3/hf"
  expect_error "$1" "$2" "${easysteer[@]}" -o "$3/x.json"
}
mkdir "$work/target"
if mount -t tmpfs -o size=2m tmpfs "$work/target" 2>/dev/null; then
  expect_error 1 "No space left" "${export_mask[@]}" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$work/target/x.gguf"
  expect_error 1 "No space left" "${export_mask[@]}" --adapter "$work/a.gguf" --model-dir "$work/hf" --to hf -o "$work/target/hf"
  head -c 2M /dev/zero >"$work/target/filler" 2>/dev/null
  write_all 1 "No space left" "$work/target"
  [ "$(ls -A "$work/target")" = filler ] || fail "a full disk was left with a part of a file"
  rm "$work/target/filler"
  mount -o remount,ro "$work/target"
  write_all 1 "Read-only file system" "$work/target"
  umount "$work/target"
else
  echo "SKIP: no tmpfs can be mounted here, so no disk is ever full or read-only"
fi
[ "$(cat "$planted" "$work/hf"/* | sha256sum)" = "$sources" ] || fail "a source was changed"
finish
