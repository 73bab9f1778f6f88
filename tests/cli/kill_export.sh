#!/bin/bash
# An export killed at any moment leaves the old file, the new one or none, never a partial one. The source is unchanged.
. "$(dirname "$0")/common.sh" "$@"
tools=$(cd "$(dirname "$0")" && pwd)/gguf_tools.py
rows attacks discovery 24 | python3 -c 'import json,sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    row["label"] = i % 2
    print(json.dumps(row))' >"$work/labelled.jsonl"
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/traces"
run 0 "$mascing" steer "$work/traces" --mean-difference 4 -o "$work/mask.gguf"
run 0 "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --fit-tokens 1000 --to lora -o "$work/a.gguf"

# The demo model, padded so that copying it takes some tenths of a second.
run 0 python3 "$tools" pad_gguf "$planted" "$work/model.gguf" 160
mkdir "$work/hf" "$work/baked"
run 0 python3 "$tools" make_folder "$planted" "$work/hf" 80
sources=$(cat "$work/model.gguf" "$work/hf"/* | sha256sum)
bake=("$mascing" export "$work/mask.gguf" -m "$work/model.gguf" --adapter "$work/a.gguf" --to gguf -o "$work/baked/x.gguf")
bake_hf=("$mascing" export "$work/mask.gguf" --adapter "$work/a.gguf" --model-dir "$work/hf" --to hf -o "$work/baked/hf/")

# Where files can stay nameless until they are complete, a killed export leaves nothing at all.
is_nameless=$(python3 -c 'import os,sys
try:
    os.close(os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY))
    print(1)
except OSError:
    print(0)' "$work/baked")

# measure COMMAND...: $lasts seconds.
measure() {
  local start
  start=$(date +%s.%N)
  run 0 "$@"
  lasts=$(python3 -c 'import sys; print(float(sys.argv[2]) - float(sys.argv[1]))' "$start" "$(date +%s.%N)")
}

# kill_during SECONDS COMMAND...: kills it at a random moment; false if it ended before.
kill_during() {
  local delay pid code
  delay=$(python3 -c 'import random,sys; print(random.random() * float(sys.argv[1]))' "$1")
  shift
  "$@" >"$work/log" 2>&1 </dev/null &
  pid=$!
  sleep "$delay"
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 137 ] || fail "exit code $code, killed or not: $*"
  [ "$code" -eq 137 ]
}

measure "${bake[@]}"
n_killed=0
for i in $(seq 14); do
  rm -f "$work/baked/x.gguf"
  [ $((i % 2)) -eq 0 ] && echo old >"$work/baked/x.gguf"
  kill_during "$lasts" "${bake[@]}" && n_killed=$((n_killed + 1))
  if [ -e "$work/baked/x.gguf" ] && [ "$(head -c 3 "$work/baked/x.gguf")" != old ]; then
    run 0 "$mascing" mask verify "$work/baked/x.gguf" -m "$work/model.gguf"
    says out "intact"
    says out "possible: mascing mask unbake"
  elif [ $((i % 2)) -eq 0 ]; then
    [ "$(cat "$work/baked/x.gguf")" = old ] || fail "the old file is gone"
  fi
  [ "$is_nameless" -eq 0 ] || [ -z "$(ls -A "$work/baked" | grep -v '^x.gguf')" ] || fail "left behind: $(ls -A "$work/baked")"
done
[ "$n_killed" -ge 3 ] || fail "only $n_killed of 14 exports were killed in time"
# With a check, for which the model must run, there is a trial copy besides, which the next export removes.
rows attacks test 1 >"$work/check.jsonl"
bake_checked=("$mascing" export "$work/mask.gguf" -m "$planted" --adapter "$work/a.gguf" --to gguf -o "$work/baked/x.gguf"
  -t 1 --check "$work/check.jsonl")
measure "${bake_checked[@]}"
for _ in $(seq 4); do
  kill_during "$lasts" "${bake_checked[@]}"
done
run 0 "${bake[@]}"
[ "$(ls -A "$work/baked")" = x.gguf ] || fail "left behind: $(ls -A "$work/baked")"
run 0 "$mascing" mask unbake "$work/baked/x.gguf" -o "$work/again.gguf"
expect_equal "baking after that, and unbaking" "$work/again.gguf" "$work/model.gguf"
rm -f "$work/baked"/*

measure "${bake_hf[@]}"
n_killed=0
for _ in $(seq 6); do
  rm -rf "$work/baked/hf"
  kill_during "$lasts" "${bake_hf[@]}" && n_killed=$((n_killed + 1))
  if [ -e "$work/baked/hf" ]; then
    run 0 "$mascing" mask verify "$work/baked/hf"
    says out "intact"
  fi
done
[ "$n_killed" -ge 1 ] || fail "none of 6 exports was killed in time"
# The next export removes what was left behind under other names.
rm -rf "$work/baked/hf"
run 0 "${bake_hf[@]}"
[ "$(ls -A "$work/baked")" = hf ] || fail "left behind: $(ls -A "$work/baked")"
run 0 python3 "$tools" check_folder "$work/hf" "$work/a.gguf" "$work/baked/hf" 1
[ "$(cat "$work/model.gguf" "$work/hf"/* | sha256sum)" = "$sources" ] || fail "a source was changed"
finish
