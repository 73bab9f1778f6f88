#!/usr/bin/env bash
# Runs both scenarios on both demo models, with all baselines, then writes the tables of docs/demo_results.md and README.md.
# An interrupted run resumes. Results of another build in the folder are deleted first, so that no old number gets into the tables.
#
#   scripts/results.sh OUTPUT_FOLDER
#
# RESULTS_OPTIONS replaces --baselines: other options of `mascing run`.
set -euo pipefail
cd "$(dirname "$0")/.."

output=$1
read -r -a options <<<"${RESULTS_OPTIONS---baselines}"
build=$(sha256sum <"${MASCING:-build/bin/mascing}" | cut -d ' ' -f 1)
if [ -e "$output/planted" ] && [ "$(cat "$output/build.sha256" 2>/dev/null)" != "$build" ]; then
  echo "results: $output/ has results of another build: starting over" >&2
  rm -rf "$output/planted" "$output/natural"
fi
mkdir -p "$output"
echo "$build" >"$output/build.sha256"
for model in planted natural; do
  status=0
  scripts/run_pair.sh models/demo/kingdom-$model-f16.gguf "$output/$model" "${options[@]}" || status=$?
  # A run that finds no good mask is also a result: its results.json says so. Any other failure ends the script.
  for scenario in defend permit; do
    if [ "$status" -gt 1 ] || [ ! -f "$output/$model/$scenario/results.json" ]; then
      echo "results: error: no results of $scenario on $model" >&2
      exit 1
    fi
  done
done
python3 tools/readme_table.py "$output" docs/demo_results.md README.md
