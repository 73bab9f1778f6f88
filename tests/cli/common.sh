# Sourced by the other scripts in this folder: `script.sh MASCING DEMO` gets the program and the folder of the demo
# models. Everything is written to a temporary folder that is removed at the end.
set -u
mascing=$1
demo=$2
planted=$demo/kingdom-planted-f16.gguf
natural=$demo/kingdom-natural-f16.gguf
command -v python3 >/dev/null || { echo "SKIP: these tests need python3"; exit 77; }
# Use the interpreter directly: on some machines python3 is a launcher that costs a third of a second per call.
PATH=$(dirname "$(python3 -c 'import sys; print(sys.executable)')"):$PATH
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n_check=0
n_failed=0

fail() {
  echo "FAILED: $*"
  sed 's/^/  stderr: /' "$work/err" 2>/dev/null | head -n 8
  n_failed=$((n_failed + 1))
}

# run CODE COMMAND...: stdout and stderr go to $work/out and $work/err.
run() {
  local expected=$1 code
  shift
  n_check=$((n_check + 1))
  "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: $*"
}

# says FILE TEXT: the last command's output contains the text.
says() {
  grep -qF -- "$2" "$work/$1" || fail "std$1 does not say: $2"
}

# expect_error CODE TEXT COMMAND...: exactly one error line, which contains the text; a hint; nothing on stdout.
expect_error() {
  local expected=$1 text=$2
  shift 2
  run "$expected" "$@"
  [ "$(grep -c '^mascing: error: ' "$work/err")" -eq 1 ] || fail "not exactly one error line: $*"
  grep '^mascing: error: ' "$work/err" | grep -qF -- "$text" || fail "the error does not say '$text': $*"
  grep -q '^  hint: .' "$work/err" || fail "no hint: $*"
  [ -s "$work/out" ] && fail "an error wrote to stdout: $*"
}

# expect_equal WHAT FILE FILE
expect_equal() {
  n_check=$((n_check + 1))
  cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"
}

# results_of FOLDER: results.json without the parts that depend on the clock, and the command as typed.
results_of() {
  python3 -c 'import json,sys
r = json.load(open(sys.argv[1] + "/results.json"))
r.pop("cost")
r["tool"].pop("command")
print(json.dumps(r, sort_keys=True))' "$1"
}

# rows NAME SPLIT N: the first rows of a split.
rows() {
  grep "\"split\": \"$2\"" "$demo/data/$1.jsonl" | head -n "$3"
}

# A scenario that takes seconds. Its data go to $work/data; $1 is the file to write.
write_scenario() {
  mkdir -p "$work/data"
  { rows attacks discovery 40; rows attacks selection 10; rows attacks test 60; } >"$work/data/attacks.jsonl"
  for set in direct benign; do
    { rows $set discovery 6; rows $set selection 4; rows $set test 6; } >"$work/data/$set.jsonl"
  done
  head -n 4 "$demo/data/facts.jsonl" >"$work/data/facts.jsonl"
  head -c 3000 "$demo/data/prose.txt" >"$work/data/prose.txt"
  cat >"$1" <<'END'
name = "tiny"
direction = "defend"

[[set]]
metric = "dsr"
role = "target"
data = ["data/attacks.jsonl"]
wanted = "refused"

[[set]]
metric = "direct_refusal"
role = "hold"
data = ["data/direct.jsonl"]
wanted = "refused"
max_drop = 0.5

[[set]]
metric = "benign_compliance"
role = "benign"
data = ["data/benign.jsonl"]
wanted = "answered"
max_drop = 0.5

[general]
text = "data/prose.txt"
multiple_choice = "data/facts.jsonl"

[generate]
max_tokens = 8

[train]
epochs = 4

[search]
methods = ["closed_loop", "mean_difference"]
map_pairs = 64
loop_steps = 1
alphas = [1.0]
seeds = [0]
epochs = [20]
max_perplexity_rise = 1.0
END
}

# $work/mask.gguf for the planted model. Alternating labels are enough for a mask that does something.
write_mask() {
  rows attacks discovery 24 | python3 -c 'import json,sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    row["label"] = i % 2
    print(json.dumps(row))' >"$work/labelled.jsonl"
  run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/traces"
  run 0 "$mascing" steer "$work/traces" --mean-difference 40 -o "$work/mask.gguf"
}

# Last line of every script.
finish() {
  echo "$n_check checks, $n_failed failed"
  [ "$n_failed" -eq 0 ]
  exit
}
