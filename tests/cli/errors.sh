#!/bin/bash
# User errors: exit code, one error line that names the culprit, a hint.
. "$(dirname "$0")/common.sh" "$@"
export MALLOC_PERTURB_=165
scenario=$work/tiny.toml
write_scenario "$scenario"
run_tiny=("$mascing" run "$scenario" -t 1 -o "$work/out-dir" -m)

# Scenarios.
expect_error 2 "$work/none.toml" "$mascing" run "$work/none.toml" -m "$planted"
expect_error 2 "$work" "$mascing" run "$work" -m "$planted"
sed 's/^max_tokens/max_tokns/' "$scenario" >"$work/typo.toml"
line=$(grep -n max_tokns "$work/typo.toml" | cut -d: -f1)
expect_error 2 "typo.toml:$line" "$mascing" run "$work/typo.toml" -m "$planted"
says err max_tokens
echo 'name = ' >"$work/broken.toml"
expect_error 2 "broken.toml:1" "$mascing" run "$work/broken.toml" -m "$planted"
: >"$work/empty.toml"
expect_error 2 "empty.toml" "$mascing" run "$work/empty.toml" -m "$planted"
sed 's/direct.jsonl/absent.jsonl/' "$scenario" >"$work/absent.toml"
expect_error 2 "absent.jsonl" "$mascing" run "$work/absent.toml" -m "$planted"
# --judge has the last word on a paper run: the phrases fail their self-test with this prefix, the prefixes would not.
{ cat "$scenario"; printf '[judge]\nrefusal_prefixes = ["I'"'"'m sorry to hear"]\n'; } >"$work/judged.toml"
expect_error 2 "sorry to hear that your cat is ill" "$mascing" run "$work/judged.toml" -m "$planted" -t 1 -o "$work/judged" \
  --method paper --judge phrases

# Models.
expect_error 1 "none.gguf" "${run_tiny[@]}" "$work/none.gguf"
head -c 5000000 "$planted" >"$work/cut.gguf"
expect_error 1 "cut.gguf" "${run_tiny[@]}" "$work/cut.gguf"
expect_error 1 "cut.gguf" "$mascing" inspect "$work/cut.gguf"
expect_error 1 "facts.jsonl" "${run_tiny[@]}" "$demo/data/facts.jsonl"
expect_error 1 "$(basename "$work")" "${run_tiny[@]}" "$work"
# The same file with its routers renamed is a dense model.
LC_ALL=C sed 's/ffn_gate_inp/ffn_gate_imp/g' "$planted" >"$work/dense.gguf"
expect_error 1 "dense model" "${run_tiny[@]}" "$work/dense.gguf"
expect_error 1 "dense model" "$mascing" inspect "$work/dense.gguf"
expect_error 1 "dense model" "$mascing" trace "$work/data/direct.jsonl" -m "$work/dense.gguf" -o "$work/t"

# Data.
mkdir "$work/saved" && cp "$work"/data/* "$work/saved"
: >"$work/data/direct.jsonl"
expect_error 1 "direct.jsonl" "${run_tiny[@]}" "$planted"
expect_error 1 "direct.jsonl" "$mascing" trace "$work/data/direct.jsonl" -m "$planted" -t 1 -o "$work/t"
echo '{"messages": [' >"$work/data/direct.jsonl"
expect_error 1 "direct.jsonl:1" "${run_tiny[@]}" "$planted"
rows direct discovery 6 >"$work/data/direct.jsonl"
expect_error 1 "no conversation in its selection split" "${run_tiny[@]}" "$planted"
cp "$work/saved/direct.jsonl" "$work/data"
rows direct discovery 6 | sed 's/"discovery",/"test",/; s/direct-discovery/again/' >>"$work/data/direct.jsonl"
expect_error 1 "one conversation in two splits" "${run_tiny[@]}" "$planted"
cp "$work/saved/direct.jsonl" "$work/data"

# Options of the engine: names are checked before the model is loaded, and the hint has those that exist.
trace_it=("$mascing" trace "$work/data/direct.jsonl" -m "$planted" -t 1 -o "$work/engine")
expect_error 2 "there is no \"ROCm9\" here" "${trace_it[@]}" --override-tensor "ffn_.*_exps=ROCm9"
says err "use one of: CPU"
expect_error 2 "there is no \"q3_k\" here" "${trace_it[@]}" --cache-type-k q3_k
says err "q8_0"
expect_error 2 "needs flash attention" "${trace_it[@]}" --cache-type-v q8_0 --flash-attn off
expect_error 2 "--flash-attn" "${trace_it[@]}" --flash-attn maybe
expect_error 2 "--split-mode" "${trace_it[@]}" --split-mode half
expect_error 2 "there is no \"CUDA77\" here" "${trace_it[@]}" --device CUDA77
expect_error 2 "is not host:port" "${trace_it[@]}" --rpc nowhere
expect_error 1 "127.0.0.1:1 does not answer" "${trace_it[@]}" --rpc 127.0.0.1:1
expect_error 2 "--tensor-split" "${trace_it[@]}" --tensor-split 1,royal
run 0 "${trace_it[@]}" --cpu-moe --n-cpu-moe 2 --override-tensor "attn=CPU,output=CPU" --device none --flash-attn on \
  --cache-type-k q8_0 --cache-type-v q8_0 --no-mmap --no-repack --sequences 20

# Other files in the wrong place.
expect_error 1 "expected a mask" "$mascing" mask show "$planted"
expect_error 1 "none.gguf" "$mascing" mask show "$work/none.gguf"
expect_error 1 "none.json" "$mascing" report "$work/none.json"
echo '{}' >"$work/empty.json"
expect_error 1 "empty.json" "$mascing" report "$work/empty.json"
echo 'nonsense' >"$work/bad.json"
expect_error 1 "bad.json" "$mascing" report "$work/bad.json"
expect_error 1 "no-traces" "$mascing" train "$work/no-traces"
expect_error 1 "no-traces" "$mascing" steer "$work/no-traces" --mean-difference 4

# Places to write to.
echo text >"$work/file"
expect_error 1 "$work/file" "$mascing" run "$scenario" -m "$planted" -t 1 -o "$work/file/out"
expect_error 1 "$work/file" "$mascing" run "$scenario" -m "$planted" -t 1 -o "$work/file"
expect_error 1 "$work/file" "$mascing" trace "$work/data/direct.jsonl" -m "$planted" -t 1 -o "$work/file/t"
[ "$(cat "$work/file")" = text ] || fail "a file in the way was changed"
if mkdir "$work/full" && mount -t tmpfs -o size=64k tmpfs "$work/full" 2>/dev/null; then
  expect_error 1 "$work/full" "$mascing" trace "$work/data/attacks.jsonl" -m "$planted" -t 1 -o "$work/full/t"
  umount "$work/full"
else
  echo "SKIP: no tmpfs can be mounted here, so no disk is ever full"
fi
finish
