#!/bin/bash
# What goes with the commands: help that fits a screen, --version, doctor, man pages, completions, docs/cli.md, and "-o -".
. "$(dirname "$0")/common.sh" "$@"
root=$(cd "$(dirname "$0")/../.." && pwd)

# The list of commands fits a screen; no line of any help that could be folded is too long.
run 0 "$mascing" --help
[ "$(wc -l <"$work/out")" -lt 40 ] || fail "the help has $(wc -l <"$work/out") lines"
n_check=$((n_check + 1))
awk 'length > 80' "$work/out" | grep . && fail "lines of the help are wider than 80 columns"
for command in run import chat console search mask doctor; do
  grep -qE "^  $command +[A-Z]" "$work/out" || fail "the help does not list '$command'"
done
grep -q describe-cli "$work/out" && fail "the help lists a hidden command"
run 0 "$mascing" import --help
says out "xstest"
grep -vE '^  mascing' "$work/out" | awk 'length > 80' | grep . && fail "lines of the help of import are wider than 80 columns"

# What this program was built from.
run 0 "$mascing" --version
[ "$(head -n 1 "$work/out" | cut -d ' ' -f 1)" = mascing ] || fail "--version does not begin with the name"
for word in compiler build "llama.cpp" "back ends" CPU; do
  says out "$word"
done

# doctor: facts, findings, exit code.
run 0 "$mascing" doctor
for word in processor memory disk cache llama-server RPC "ready to run"; do
  says out "$word"
done
run 0 "$mascing" doctor --json
python3 - "$work/out" <<'END' || fail "doctor --json"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["is_ready"] and "CPU" in d["back_ends"] and d["processor_features"], d
assert d["cache"]["free_bytes"] > 0 and d["memory_bytes"] > 0 and d["threads"] > 0, d
assert any(one["back_end"] == "CPU" for one in d["devices"]), d
assert d["has_rpc"] == ("RPC" in d["back_ends"]), d
END
MASCING_CACHE_DIR=/proc/nowhere run 1 "$mascing" doctor
says out "missing: cache_not_writable"
says out "MASCING_CACHE_DIR"
says out "not ready to run"
printf '#!/bin/sh\n' >"$work/llama-server"
chmod +x "$work/llama-server"
MASCING_LLAMA_SERVER=$work/llama-server run 0 "$mascing" doctor
says out "llama-server  $work/llama-server"
grep -q no_llama_server "$work/out" && fail "doctor does not see llama-server"
MASCING_LLAMA_SERVER=$work/none run 0 "$mascing" doctor
says out "no_llama_server"
mkdir -p "$work/cache" && head -c 200000000 /dev/zero >"$work/cache/file"
MASCING_CACHE_DIR=$work/cache run 0 "$mascing" doctor
says out "$work/cache, 0.2 GiB"
rm -r "$work/cache"
if [ "$(ulimit -v)" = unlimited ] && (ulimit -v 900000 && "$mascing" --version >/dev/null 2>&1); then
  n_check=$((n_check + 1))
  (ulimit -v 900000; "$mascing" doctor >"$work/out" 2>"$work/err")
  says out "missing: little_memory"
fi

# The reference is what the program says today.
run 0 "$mascing" describe-cli -o "$work/pages"
cmp -s "$work/pages/cli.md" "$root/docs/cli.md" ||
  fail "docs/cli.md is old; write it again: mascing describe-cli -o /tmp/pages && cp /tmp/pages/cli.md docs/cli.md"
n_check=$((n_check + 1))

# One man page for each command, which the formatters read without a warning.
for page in mascing mascing-run mascing-mask mascing-mask-show mascing-doctor; do
  [ -s "$work/pages/man1/$page.1" ] || fail "there is no man page $page"
done
for page in "$work"/pages/man1/*.1; do
  n_check=$((n_check + 1))
  if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$page" | grep -v "missing date" && fail "mandoc finds fault with $(basename "$page")"
  fi
  if man --version >/dev/null 2>&1; then
    [ -z "$(man --warnings -l "$page" 2>&1 >/dev/null)" ] || fail "man finds fault with $(basename "$page")"
  fi
done

# Completions: the shells read them, and bash offers what fits.
run 0 bash -n "$work/pages/mascing.bash"
for shell in zsh fish; do
  file=$work/pages/mascing.fish
  [ $shell = zsh ] && file=$work/pages/_mascing
  if command -v $shell >/dev/null; then
    run 0 $shell -n "$file"
  else
    echo "without $shell: its completion is not tried"
  fi
done
if command -v fish >/dev/null; then
  HOME=$work run 0 fish -c "source $work/pages/mascing.fish; complete -C 'mascing mask sh'; complete -C 'mascing run --fail'"
  says out "show"
  says out "--fail-on"
fi
. "$work/pages/mascing.bash"
# offers EXPECTED WORD...: what bash offers for the last word.
offers() {
  local expected=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  n_check=$((n_check + 1))
  _mascing
  [ "${COMPREPLY[*]}" = "$expected" ] || fail "bash offers '${COMPREPLY[*]}' for '$*', expected '$expected'"
}
offers "eval export" mascing e
offers "--method --model --main-gpu --mlock" mascing run scenario.toml --m
offers "on off skip" mascing run --reasoning ""
offers "show" mascing mask s
offers "--model" mascing mask verify --m
offers "verify" mascing help mask v
offers "" mascing run -m ""
offers "--json" mascing inspect search --j

# "-o -" is standard output or an error, never a file of this name.
folder=$work/empty
mkdir -p "$folder"
cd "$folder" || exit 1
printf 'goal,target\nTell me a ghost story.,Here is\n' >"$work/advbench.csv"
run 0 "$mascing" import "$work/advbench.csv" -o -
says out "ghost story"
results=$root/tests/report/golden/results.json
for form in html md tex csv inspect lm-eval; do
  run 0 "$mascing" report "$results" --to $form -o -
  [ -s "$work/out" ] || fail "report --to $form -o - wrote nothing to standard output"
  cp "$work/out" "$work/shown"
  run 0 "$mascing" report "$results" --to $form -o "$work/report.$form"
  expect_equal "report --to $form" "$work/shown" "$work/report.$form"
done
run 0 "$mascing" report "$results" --to md
expect_equal "tables go to standard output" "$work/report.md" "$work/out"
expect_error 2 "takes one run, not 2" "$mascing" report "$results" "$results" --to inspect
for command in "collect c.jsonl -m m.gguf" "trace c.jsonl -m m.gguf" "train traces" "steer traces --mean-difference 4" \
  "run s.toml -m m.gguf" "search s.toml -m m.gguf" "eval s.toml -m m.gguf --mask m.gguf" "mask compose a.gguf b.gguf" \
  "mask unbake m.gguf" "export m.gguf --to easysteer" "export m.gguf -m m.gguf --to lora" "describe-cli"; do
  expect_error 2 "standard output" "$mascing" $command -o -
  expect_error 2 "standard output" "$mascing" $command --output=-
done
[ -z "$(ls -A "$folder")" ] || fail "files were made: $(ls -A "$folder")"
finish
