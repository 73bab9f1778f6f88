#!/bin/bash
# Every command of docs/paper.md, in its order, with small models and a fairy tale in the place of weights and public sets.
# What is put in between: settings for seconds, and another judge for the guard, whose weights are not here.
. "$(dirname "$0")/common.sh" "$@"
root=$demo/../..
cd "$work" || exit 1
python3 "$root/tests/cli/public_stand_ins.py" "$demo/../zoo/data" . || fail "no stand-ins"
cp "$demo/../zoo/qwen3moe-wide.gguf" model.gguf
cp "$demo/../zoo/mixtral.gguf" llama-guard-3-8b-q4_k_m.gguf

# same_scenario FOLDER: what init wrote is what scenarios/paper shows, but for counts and places of files.
same_scenario() {
  n_check=$((n_check + 1))
  sed -E 's#^model = .*#model = "llama-guard-3-8b-q4_k_m.gguf"#; s/^# From ([^:]*).*/# From \1/' "$1/scenario.toml" >"$1.shown"
  cmp -s "$1.shown" "$root/scenarios/paper/$1.toml" || { diff "$1.shown" "$root/scenarios/paper/$1.toml"; fail "scenarios/paper/$1.toml"; }
}

# shorten FOLDER
shorten() {
  local other=phrases
  grep -q '^prefixes = false' "$1/scenario.toml" || other=prefixes
  sed -i "s/^max_tokens.*/max_tokens = 16\nmax_play_tokens = 16/; s/^loop_steps.*/loop_steps = 1/; s/^finalists = 3.*/finalists = 1/
    s/^alphas.*/alphas = [1.0]/; s/^lambdas.*/lambdas = [1e-3]/; s/^epochs = \[.*/epochs = [4]/; s/^epochs = 15/epochs = 4/
    s/^model = .*/builtin = \"$other\"\nsets = [\"dsr\", \"direct_refusal\"]/" "$1/scenario.toml"
}

grep '^mascing ' "$root/docs/paper.md" >commands
[ "$(grep -c '' commands)" -ge 13 ] || fail "docs/paper.md has lost its commands"
while read -r line; do
  words=(${line#mascing })
  folder=${words[-1]}
  if [ "${words[0]}" = init ]; then
    run 0 "$mascing" "${words[@]}"
    same_scenario "$folder"
    rm -r "$folder"
    run 0 "$mascing" "${words[@]}" --limit 100
  elif [[ $line == *--dry-run* ]]; then
    run 0 "$mascing" "${words[@]}" -t 1
    says out "memory "
    says out "select "
  elif [ "${words[0]}" = run ]; then
    shorten "$(dirname "${words[1]}")"
    n_check=$((n_check + 1))
    "$mascing" "${words[@]}" -t 1 -q >out 2>err </dev/null
    [ -s "$folder/results.json" ] || fail "$line: no results"
  else
    run 0 "$mascing" "${words[@]}"
    [[ $line != *"--to md" ]] || says out "| GSR |"
  fi
done <commands

# The research repository's own files are read as they are.
run 0 "$mascing" init --attacks research_attacks.jsonl --benign alpaca_data.json --limit 60 -o research
grep -q '^play = true' research/scenario.toml && fail "recorded attacks are played again"
says err "research_attacks.jsonl: research-attacks"
finish
