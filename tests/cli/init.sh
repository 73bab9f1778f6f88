#!/bin/bash
# A new user: public data to a scenario, what it can show, and a first small run, on two models of the zoo.
. "$(dirname "$0")/common.sh" "$@"
zoo=$demo/../zoo
python3 "$(dirname "$0")/public_stand_ins.py" "$zoo/data" "$work" || fail "no stand-ins"
here=$(cd "$(dirname "$0")" && pwd)
cd "$work" || exit 1
attack=(--attacks mhj.csv --benign alpaca.json)
permit=(--template permit --requests tales.csv --column request=question --column requests:topic=subject)

# shorten FOLDER: settings for a run of seconds.
shorten() {
  sed -i 's/^max_tokens.*/max_tokens = 24\nmax_play_tokens = 24/; s/^max_reasoning_tokens.*/max_reasoning_tokens = 100/
    s/^loop_steps.*/loop_steps = 1/; s/^finalists.*/finalists = 1/; s/^alphas.*/alphas = [1.0]/' "$1/scenario.toml"
}

# The three commands, on a model that always reasons; the second is the one that the first prints.
run 0 "$mascing" init -m "$zoo/gpt-oss.gguf" "${attack[@]}" --hold advbench.csv --limit 40 -o "my defence/"
says err "mhj.csv: mhj, 810 rows"
says err "--attacks: took 40 of 810 conversations, the others are left out (--limit 40)"
says err 'its template has no switch: reasoning = "on"'
says out "dsr (target)"
says out "target: a test split of"
says err "next: mascing run 'my defence/scenario.toml' -m "
grep -q '^reasoning = "on"' "my defence/scenario.toml" || fail "a model that always reasons: reasoning is not on"
grep -q '^arguments = \["reasoning_effort=low"\]' "my defence/scenario.toml" || fail "no reasoning effort"
grep -q '^play = true' "my defence/scenario.toml" || fail "scripts are not played"
[ "$(cat "my defence"/data/*.jsonl | grep -c '"split":')" -eq "$(cat "my defence"/data/*.jsonl | wc -l)" ] || fail "rows without a split"
next=$(sed -n 's/^next: mascing //p' "$work/err")
run 0 bash -c "'$mascing' $next -t 1"
says out "dsr (target)"
says out "stage            prompt tokens   generated  differentiated      time"
says out "play "
says out "prompt tokens a second"
says out "memory "
says out "disk "
shorten "my defence"
"$mascing" run "my defence/scenario.toml" -m "$zoo/gpt-oss.gguf" -t 1 -q -o out1 >/dev/null 2>"$work/err" </dev/null
[ -s out1/results.json ] || fail "the run on gpt-oss wrote no results"

run 0 "$mascing" init -m "$zoo/qwen3moe-wide.gguf" "${permit[@]}" --hold advbench.csv --benign alpaca.json --limit 40 -o tales
grep -q '^reasoning = "off"' tales/scenario.toml || fail "reasoning should be off"
shorten tales
"$mascing" run tales/scenario.toml -m "$zoo/qwen3moe-wide.gguf" -t 1 -q -o out2 >/dev/null 2>"$work/err" </dev/null
python3 -c 'import json; r = json.load(open("out2/results.json")); assert set(r["metrics"]) >= {"gsr", "hold_refusal", "benign_compliance"}' ||
  fail "the run on the wide model lacks a set"

# The forecast for programs; and a model that no memory holds is refused before it is loaded.
run 0 "$mascing" run tales/scenario.toml -m "$zoo/qwen3moe-wide.gguf" -t 1 --dry-run --json
python3 -c 'import json, sys
f = json.load(open(sys.argv[1]))["forecast"]
assert [s["name"] for s in f["stages"]] == ["label", "trace", "train_and_steer", "closed_loop", "select", "test"], f
assert f["seconds"] > 0 and abs(f["seconds"] - sum(s["seconds"] for s in f["stages"])) < 1e-6 and f["tokens_per_second"]["differentiated"] > 0, f
assert f["memory_bytes"]["weights"] < f["memory_bytes"]["all"] < f["memory_bytes"]["free"], f' "$work/out" || fail "the forecast as JSON is wrong"
python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import gguf_tools; gguf_tools.inflate(sys.argv[2], "large.gguf", 4 << 40)' \
  "$here" "$planted"
for more in --dry-run "-o out3"; do
  expect_error 1 "[forecast] this run does not fit: 4096" "$mascing" run tales/scenario.toml -m large.gguf -t 1 $more
  says err "a smaller quantisation of the model"
done

# Same input, same bytes; splits are disjoint by topic; both categories of one file.
for folder in one two; do
  run 0 "$mascing" init "${attack[@]}" --keep xstest.csv --category keep:safe --hold xstest.csv --category hold:unsafe --name same -o $folder
done
expect_equal "scenario" one/scenario.toml two/scenario.toml
expect_equal "attacks" one/data/attacks.jsonl two/data/attacks.jsonl
python3 -c 'import json, collections
splits = collections.defaultdict(set)
counts = collections.Counter()
for row in map(json.loads, open("one/data/attacks.jsonl")):
    splits[row["topic"]].add(row["split"])
    counts[row["split"]] += 1
assert all(len(s) == 1 for s in splits.values()), splits
n = sum(counts.values())
assert .4 < counts["discovery"] / n < .6 and counts["selection"] / n > .12 and counts["test"] / n > .2, counts' || fail "splits by topic"
run 0 "$mascing" init "${attack[@]}" --limit 0 -o all
[ "$(wc -l <all/data/attacks.jsonl)" -eq 810 ] || fail "--limit 0 does not take all"
run 0 "$mascing" init "${attack[@]}" --text "$demo/data/prose.txt" --choices "$demo/data/facts.jsonl" --template paper-defend -o paper
grep -q '^text = "data/general.txt"' paper/scenario.toml || fail "no general text"
says err "next: mascing run paper/scenario.toml -m model.gguf --dry-run"

# Data as they come: half of the benign rows empty, in an array that is one line; columns of another name.
python3 -c 'import csv, json
rows = json.load(open("alpaca.json"))
for row in rows[1::2]:
    row["instruction"] = ""
json.dump(rows, open("half.json", "w"))
lines = list(csv.reader(open("tales.csv")))
csv.writer(open("odd.csv", "w")).writerows([["Nr.", "The Wish"]] + [[i, line[0]] for i, line in enumerate(lines[1:])])'
run 0 "$mascing" init --attacks mhj.csv --benign half.json -o half
says err "skipped 185 (empty_request), elements 2, 4, 6, 8, 10, ...: the request is empty"
grep -q '"half:[1-9][0-9]*"' half/data/benign.jsonl || fail "rows of an array are not named by their element"
odd=(--template permit --requests odd.csv --hold advbench.csv --benign alpaca.json)
expect_error 1 "no known format has the columns nr., the wish" "$mascing" init "${odd[@]}" -o none
says err "name the column that holds the request, --column request=NAME"
run 0 "$mascing" init "${odd[@]}" --column "request=The Wish" -o odd

# The folder may be the current one or a link to an empty one. A folder that only has such a name may be somebody's.
mkdir here real odd.tmp-0
ln -s real link
touch odd.tmp-0/left
n_check=$((n_check + 1))
(cd here && "$mascing" init --attacks ../mhj.csv --benign ../alpaca.json -o . 2>../err.here) || fail "init -o .: $(cat err.here)"
grep -q '^name = "here"' here/scenario.toml || fail "the scenario in the current folder has another name"
run 0 "$mascing" init "${attack[@]}" -o link
[ -s real/scenario.toml ] && [ -L link ] && [ "$(ls -A real)" = "$(ls -A here)" ] || fail "init -o LINK"
rm -r odd
run 0 "$mascing" init "${odd[@]}" --column "request=The Wish" -o odd
[ -e odd/left ] && fail "init took over what another one left"
[ -e odd.tmp-0/left ] || fail "init removed what may be somebody's"
rm -r odd.tmp-0

# kill -9 while it reads, from a pipe that nobody writes to: in a new folder, and in one that is there and empty.
mkfifo never.json
mkdir there
for folder in killed there; do
  unfinished=killed.tmp-
  [ $folder = there ] && unfinished=there/.tmp-
  "$mascing" init --attacks mhj.csv --benign never.json -o $folder >/dev/null 2>"$work/err" </dev/null &
  first=$!
  for _ in $(seq 600); do
    [ -d ${unfinished}0/files ] && break
    sleep 0.1
  done
  if [ $folder = killed ]; then # a second one beside the living first one
    run 0 "$mascing" init "${attack[@]}" -o killed
    rm -r killed
  else
    expect_error 2 "exists and is not empty" "$mascing" init "${attack[@]}" -o there
  fi
  [ -d ${unfinished}0/files ] || fail "init took away what another one is writing, or does not read"
  kill -9 $first
  wait $first 2>/dev/null
  [ -d ${unfinished}0/files ] || fail "kill -9 came too late to show anything"
  run 0 "$mascing" init "${attack[@]}" -o $folder
  [ "$(ls -A $folder | tr '\n' ' ')" = "data scenario.toml " ] || fail "left in $folder: $(ls -A $folder)"
  compgen -G 'killed.tmp-*' >/dev/null && fail "left beside it: $(ls -d killed*)"
done

# kill -9 at any moment: what is there is whole, or the next init makes it.
for i in $(seq 12); do
  rm -rf killed there
  folder=killed
  [ $((i % 2)) -eq 0 ] && folder=there && mkdir there
  "$mascing" init "${attack[@]}" --limit 40 -o $folder >/dev/null 2>&1 </dev/null &
  first=$!
  sleep "$(python3 -c 'import random; print(random.random() * 0.2)')"
  kill -9 $first 2>/dev/null
  wait $first 2>/dev/null
  if [ -e $folder/scenario.toml ]; then
    expect_error 2 "exists and is not empty" "$mascing" init "${attack[@]}" --limit 40 -o $folder
  else
    "$mascing" init "${attack[@]}" --limit 40 -o $folder >/dev/null 2>"$work/err" </dev/null ||
      grep -q 'exists and is not empty' "$work/err" || fail "init does not work after kill -9"
  fi
  [ "$(ls -A $folder | tr '\n' ' ')" = "data scenario.toml " ] || fail "left in $folder: $(ls -A $folder)"
  compgen -G 'killed.tmp-*' >/dev/null && fail "left beside it: $(ls -d killed*)"
done

# What is missing or wrong is said; nothing is left behind.
expect_error 2 "one exists and is not empty" "$mascing" init "${attack[@]}" -o one
: >nothing.txt
expect_error 1 "nothing.txt is empty" "$mascing" init "${attack[@]}" --text nothing.txt -o of-nothing
expect_error 2 "--attacks is missing" "$mascing" init --benign alpaca.json -o none
expect_error 2 "--benign is missing" "$mascing" init --attacks mhj.csv -o none
expect_error 2 "--requests is missing" "$mascing" init --template permit --benign alpaca.json -o none
expect_error 2 "--hold is missing" "$mascing" init "${permit[@]}" --benign alpaca.json -o none
expect_error 2 "--requests belongs to" "$mascing" init --requests tales.csv "${attack[@]}" -o none
expect_error 2 "no set is called \"attack\"" "$mascing" init "${attack[@]}" --column attack:request=x -o none
expect_error 2 "expected OURS=THEIRS" "$mascing" init "${attack[@]}" --column attacks:request -o none
expect_error 2 "expected SET:NAME" "$mascing" init "${attack[@]}" --category safe -o none
expect_error 2 "two categories of the set attacks: a and b" "$mascing" init "${attack[@]}" --category attacks:a \
  --category attacks:b -o none
expect_error 2 "names the set keep, which has no file" "$mascing" init "${attack[@]}" --category keep:safe -o none
expect_error 2 "--template" "$mascing" init "${attack[@]}" --template attack -o none
expect_error 2 "no such file" "$mascing" init "${attack[@]}" --guard guard.gguf -o none
expect_error 1 "no column \"wish\"" "$mascing" init "${attack[@]}" --column benign:request=wish -o none
expect_error 1 "no file has a column \"wish\"" "$mascing" init "${attack[@]}" --column request=wish -o none
expect_error 1 "tales.csv: line 1: no known format" "$mascing" init --template permit --requests tales.csv --hold advbench.csv --benign alpaca.json -o none
grep '"role": *"assistant"' "$zoo/data/attacks.jsonl" | head -n 20 >recorded.jsonl
expect_error 1 "scripts without the assistant's turns" "$mascing" init --attacks mhj.csv --attacks recorded.jsonl --benign alpaca.json -o none
compgen -G 'none*' >/dev/null && fail "a failed init left files"

# On a terminal it asks, for what may be left out as well.
python3 - "$mascing" <<'END' || fail "init does not ask on a terminal"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "init", "--benign", "alpaca.json", "-o", "asked"])
os.write(terminal, b"mhj.csv\nadvbench.csv\n\n")
seen = b""
try:
    while block := os.read(terminal, 65536):
        seen += block
except OSError:
    pass
_, status = os.waitpid(child, 0)
assert status == 0 and b"File of attacks" in seen and b"Enter for none" in seen, seen
assert os.path.exists("asked/data/hold.jsonl") and not os.path.exists("asked/data/keep.jsonl")
END
finish
