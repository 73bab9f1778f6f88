#!/usr/bin/env bash
# Runs both scenarios with all baselines on the models of the zoo and writes docs/zoo.md and the table of README.md.
# An interrupted run resumes; a model whose results are there is not run again.
#
#   scripts/table.sh OUTPUT_FOLDER [MODEL]...        all models of models/zoo if none is named
#
# Steering matrices beside the router adapters: the method closed_loop, in OUTPUT_FOLDER/MODEL/{defend,permit}-matrix.
# Baselines by themselves, since they need no search: in OUTPUT_FOLDER/MODEL/{defend,permit}-baselines.
#
# TABLE_OPTIONS: options of `mascing run` for all of them, as in TABLE_OPTIONS="--seed 1".
set -euo pipefail
cd "$(dirname "$0")/.."

output=$1
shift
read -r -a options <<<"${TABLE_OPTIONS:-}"
if [ $# -eq 0 ]; then
  for file in models/zoo/*.gguf; do
    set -- "$@" "$(basename "$file" .gguf)"
  done
fi

# run_method MODEL SCENARIO NAME OPTION...: into OUTPUT_FOLDER/MODEL/SCENARIO-NAME; no good mask is a result, too.
run_method() {
  local model=$1 scenario=$2 name=$3 status=0
  shift 3
  "${MASCING:-build/bin/mascing}" run "scenarios/zoo/$scenario.toml" -m "models/zoo/$model.gguf" \
    -o "$output/$model/$scenario-$name" --reasoning "$reasoning" --yes "$@" "${options[@]}" || status=$?
  [ "$status" -le 1 ] || exit "$status"
}

for model in "$@"; do
  if [ ! -f "models/zoo/$model.gguf" ]; then
    echo "table: error: there is no models/zoo/$model.gguf; train it with: make zoo MODEL=$model" >&2
    exit 1
  fi
  reasoning=off
  case $model in
    gpt-oss | hunyuan-moe) reasoning=on ;; # the models that always reason
  esac
  status=0
  SCENARIOS=scenarios/zoo scripts/run_pair.sh "models/zoo/$model.gguf" "$output/$model" --reasoning "$reasoning" \
    "${options[@]}" || status=$?
  if [ "$status" -gt 1 ]; then
    exit "$status"
  fi
  for scenario in defend permit; do
    run_method "$model" "$scenario" matrix --method closed_loop
    run_method "$model" "$scenario" baselines --method mean_difference --baselines
  done
  # A run that finds no good mask, or stops because the method does not apply, is a result, too.
  for scenario in defend permit; do
    [ -f "$output/$model/$scenario/results.json" ] || echo "table: no results of $scenario on $model" >&2
  done
done
python3 tools/zoo_table.py "$output" docs/zoo.md README.md
