#!/bin/bash
# `mascing search`: the set without a terminal, the menu from a pipe, a single use of the test split, budgets.
. "$(dirname "$0")/common.sh" "$@"
scenario=$work/tiny.toml
write_scenario "$scenario"
sed -i 's/alphas = .*/alphas = [0.75, 1.25]/' "$scenario"
search=("$mascing" search "$scenario" -m "$planted" -t 1 -o)

run 0 "${search[@]}" "$work/found"
says out "Pareto set on the selection split, DSR (defence success rate) vs. damage"
says out "times the paper's sweep"
says err "trial: closed loop alpha 0.75"
says err "next: mascing chat"
for name in search.json search.html pareto/1.gguf; do
  [ -s "$work/found/$name" ] || fail "no $name"
done
for name in mask.gguf results.json; do
  [ -e "$work/found/$name" ] && fail "a search without a test left $name"
done
run 0 "$mascing" mask show "$work/found/pareto/1.gguf"
says out "tiny (defend)"
says out "selection  dsr"
run 0 "${search[@]}" "$work/found" --json
expect_equal "--json" "$work/out" "$work/found/search.json"
python3 -c 'import json,sys
results = json.load(open(sys.argv[1]))
assert results["metrics"] == {} and results["search"]["chosen_by"] == ""' "$work/found/search.json" || fail "search.json"

# menu CODE LINES: commands from a pipe.
menu() {
  local expected=$1 code
  n_check=$((n_check + 1))
  printf '%b' "$2" | "${search[@]}" "$work/found" --menu >"$work/text" 2>"$work/err"
  code=$?
  [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: menu $2"
}
menu 0 "table\nchat 1\nGood day to you.\n/quit\nsave 1 $work/a saved mask.gguf\nexport 1 easysteer $work/a vector.json\nquit\nsave 9 x\n"
says text "> Good day to you."
expect_equal "save" "$work/a saved mask.gguf" "$work/found/pareto/1.gguf"
[ -s "$work/a vector.json" ] || fail "no export"
# An export is made with the options of the search, which has read the scenario's template.
menu 0 "export 1 lora $work/menu.lora.gguf\n"
run 0 "$mascing" export "$work/found/pareto/1.gguf" -m "$planted" -t 1 --to lora -o "$work/own.lora.gguf"
expect_equal "export" "$work/menu.lora.gguf" "$work/own.lora.gguf"
menu 2 "save 9 $work/x.gguf\n"
says err "not in the Pareto set"
menu 2 "dance\n"
says err "not a menu command"
menu 2 "export 1 hf $work/x\n"
says err "lora, gguf or easysteer, not as hf"
menu 2 "save 1 $work/found/pareto/2.gguf\n"
says err "is mask 2 of the set"
# Neither the scenario nor what it names is written over.
menu 2 "save 1 $scenario\n"
says err "is the input"
menu 2 "export 1 easysteer $work/data/attacks.jsonl\n"
says err "is the input"
grep -q '"role": "user"' "$work/data/attacks.jsonl" || fail "an export replaced the data"

# Somebody at a terminal is asked before the one look at the test split, unless --yes is given.
at_terminal() { # LINES OPTIONS...
  local lines=$1
  shift
  n_check=$((n_check + 1))
  python3 - "$lines" "$work" "${search[@]}" "$work/found" --menu "$@" <<'END' || fail "at a terminal: $lines $*"
import os, pty, subprocess, sys
lines, work, command = sys.argv[1], sys.argv[2], sys.argv[3:]
ours, its = pty.openpty()
with open(work + "/text", "w") as text, open(work + "/err", "w") as messages:
    program = subprocess.Popen(command, stdin=its, stdout=text, stderr=messages)
    os.close(its)
    os.write(ours, lines.encode().decode("unicode_escape").encode())
    program.wait()
END
}
at_terminal "test 1\\nno\\nquit\\n"
says err "Evaluate this one now? [y/N]"
says err "Not tested."
[ -e "$work/found/results.json" ] && fail "tested against the user's word"
at_terminal "test 99\\nquit\\n" --yes
says err "not in the Pareto set"
grep -q "Evaluate this one" "$work/err" && fail "--yes was given, and still asked"

# The user chooses. Only one mask may be evaluated on the test split.
printf 'test 1\n' | "${search[@]}" "$work/found" --menu >"$work/text" 2>"$work/err"
code=$?
[ -s "$work/found/results.json" ] || fail "no results after the test"
python3 -c 'import json,sys
results = json.load(open(sys.argv[1]))
assert results["search"]["chosen_by"] == "user" and "dsr" in results["metrics"]' "$work/found/results.json" || fail "results.json"
if [ "$code" -eq 0 ]; then
  [ -s "$work/found/mask.gguf" ] || fail "no mask after the test"
else
  [ -e "$work/found/mask.gguf" ] && fail "a mask although the test failed"
fi
if [ -e "$work/found/pareto/2.gguf" ]; then
  menu 2 "test 2\n"
  says err "another mask was already evaluated on test conversations of this split"
fi

# Budgets.
run 0 "${search[@]}" "$work/short" --budget "12k tokens"
says err "[budget_spent] the budget of 12k tokens ended the search early"
expect_error 2 "neither a time nor a number of tokens" "${search[@]}" "$work/none" --budget soon
expect_error 2 "--method" "${search[@]}" "$work/none" --method magic
[ -e "$work/none" ] && fail "a wrong option left a folder"
finish
