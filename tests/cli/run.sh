#!/bin/bash
# A whole run: repeatable byte for byte, and neither kill -9 nor Ctrl-C changes what it arrives at.
. "$(dirname "$0")/common.sh" "$@"
scenario=$work/tiny.toml
write_scenario "$scenario"
python3 -c 'import json
for split in "discovery", "test":
    text = (split + " ") * 3000
    print(json.dumps({"id": "endless-" + split, "topic": "endless " + split, "split": split,
                      "messages": [{"role": "user", "content": text}]}))' >>"$work/data/attacks.jsonl"
tiny=("$mascing" run "$scenario" -m "$planted" -t 1 -o)

run 0 "${tiny[@]}" "$work/whole/"  # with a slash, which no message doubles
says out dsr
says out "rates in %"
says err "wrote $work/whole/mask.gguf"
for name in mask.gguf results.json report.html labelled.jsonl; do
  [ -s "$work/whole/$name" ] || fail "no $name"
done
# What is read from the cache once more is not said once more.
[ -z "$(sort "$work/err" | uniq -d)" ] || fail "said twice: $(sort "$work/err" | uniq -d)"
[ "$n_failed" -eq 0 ] || finish
results_of "$work/whole" >"$work/whole.json"
# Conversations too long for the model are named, and the run continues with the rest.
for id in endless-discovery endless-test; do
  grep -q "$id" "$work/whole.json" || fail "$id is not among the skipped"
done

# A finished run is only read, so the results are the same byte for byte, including the times.
cp "$work/whole/results.json" "$work/before.json"
run 0 "${tiny[@]}" "$work/whole"
says err "nothing has changed since the last run"
expect_equal "a second look" "$work/before.json" "$work/whole/results.json"
run 0 "${tiny[@]}" "$work/whole" --json
expect_equal "--json" "$work/out" "$work/whole/results.json"
run 0 "$mascing" report "$work/whole/results.json" -o "$work/report.html"
expect_equal "report" "$work/report.html" "$work/whole/report.html"
run 0 "$mascing" mask show "$work/whole/mask.gguf"
says out "tiny (defend)"
says out "with, % [95 %]"
# Rates carry the conversations behind them, and the terminal's table has them in percent.
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
for id, metric in r["metrics"].items():
    assert metric["base"]["n"] == metric["steered"]["n"] == metric["n"] > 0, (id, metric)
assert 0 < r["search"]["base"]["dsr"]["n"] <= 10, r["search"]["base"]
rates = [rate for c in r["candidates"] for rate in c["rates"].values()]
assert rates and all(0 < rate["n"] <= 10 for rate in rates), rates' "$work/whole/results.json" || fail "rates without n"

same_as_whole() {
  results_of "$work/$1" >"$work/$1.json"
  expect_equal "$1" "$work/whole.json" "$work/$1.json"
  expect_equal "$1" "$work/whole/mask.gguf" "$work/$1/mask.gguf"
}

# start FOLDER N: starts a run in the background ($pid) and waits until it has cached N measurements.
start() {
  "${tiny[@]}" "$work/$1" >/dev/null 2>"$work/err" </dev/null &
  pid=$!
  for _ in $(seq 3000); do
    [ "$(ls "$work/$1/cache" 2>/dev/null | grep -c 'json$')" -ge "$2" ] && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.01
  done
  fail "the run in $1 ended before it could be stopped"
}

# Killed three times, early, in the middle and late; the last one is the second run with this seed.
for n in 1 4 7; do
  start killed $n
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
  [ -e "$work/killed/results.json" ] && fail "a killed run left results"
done
run 0 "${tiny[@]}" "$work/killed"
same_as_whole killed

# Uninitialised memory must not matter either.
export MALLOC_PERTURB_=165

# Ctrl-C gives an error that says how to resume.
start stopped 2
n_check=$((n_check + 1))
# A background job of a script ignores SIGINT; SIGTERM is handled in the same way.
kill -TERM "$pid"
wait "$pid"
code=$?
[ "$code" -eq 130 ] || fail "exit code $code after SIGTERM, expected 130"
says err "mascing: error: "
says err "run the same command again"
run 0 "${tiny[@]}" "$work/stopped"
same_as_whole stopped

# Scripts rolled out by the scenario: after a kill the conversations are the same in the end, and none is run twice.
sed 's/^role = "target"/&\nplay = true/; s/attacks.jsonl/scripts.jsonl/' "$scenario" >"$work/scripts.toml"
sed 's/scripts.jsonl/attacks.jsonl/' "$work/scripts.toml" >"$work/replied.toml"
python3 - "$work/data/attacks.jsonl" >"$work/data/scripts.jsonl" <<'END'
import json, sys
for line in open(sys.argv[1]):
    row = json.loads(line)
    row["messages"] = [m for m in row["messages"] if m["role"] != "assistant"]
    print(json.dumps(row))
END
expect_error 1 "has an assistant turn" "$mascing" run "$work/replied.toml" -m "$planted" -t 1 -o "$work/none"
# 1: the mask was made for other conversations and may do too little for these.
evaluate() {
  run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$mascing" eval "$work/scripts.toml" -m "$planted" -t 1 --mask "$work/whole/mask.gguf" -o "$work/$1"
}
evaluate played
says err "playing dsr: 112/112 conversations"
file=$(ls "$work"/played/cache/played-dsr-*.jsonl)
n_check=$((n_check + 1))
[ "$(wc -l <"$file")" -eq 110 ] || fail "not all scripts except the endless ones were run"
"$mascing" eval "$work/scripts.toml" -m "$planted" -t 1 --mask "$work/whole/mask.gguf" -o "$work/cut" >/dev/null 2>&1 </dev/null &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
  n=$(cat "$work"/cut/cache/played-dsr-*.journal 2>/dev/null | wc -l)
  [ "$n" -lt 10 ] || break
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
[ -e "$work/cut/cache/$(basename "$file")" ] && fail "the kill did not hit the rollouts"
evaluate cut
expect_equal "rollouts after a kill" "$file" "$work/cut/cache/$(basename "$file")"
results_of "$work/played" >"$work/played.json"
results_of "$work/cut" >"$work/cut.json"
expect_equal "results of rollouts" "$work/played.json" "$work/cut.json"
cp "$file.journal" "$work/journal"
evaluate played
expect_equal "no script is run twice" "$work/journal" "$file.journal"

# Two merged parts of an evaluation equal the whole.
evaluation=("$mascing" eval "$scenario" -m "$planted" -t 1 --mask "$work/whole/mask.gguf" -o)
any() { run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$@"; } # 1: the mask may do too little
any "${evaluation[@]}" "$work/eval"
for i in 1 2; do
  run 0 "${evaluation[@]}" "$work/eval-$i" --shard $i/2
  says err "--merge"
  for option in --json "--fail-on care"; do
    expect_error 2 "has no effect with --shard" "${evaluation[@]}" "$work/eval-$i" --shard $i/2 $option
  done
  [ -e "$work/eval-$i/results.json" ] && fail "a part left results"
done
any "${evaluation[@]}" "$work/eval-merged" --merge "$work/eval-1" "$work/eval-2"
results_of "$work/eval" >"$work/eval.json"
results_of "$work/eval-merged" >"$work/eval-merged.json"
expect_equal "a merged evaluation" "$work/eval.json" "$work/eval-merged.json"
expect_error 1 "a different evaluation" "${evaluation[@]}" "$work/eval-merged" --alpha 0.01 --merge "$work/eval-1"
expect_error 2 "--shard" "${evaluation[@]}" "$work/none" --shard 1/2 --merge "$work/eval-1"
finish
