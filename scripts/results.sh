#!/usr/bin/env bash
# Both scenarios on both demo models, with all baselines, then the table of README.md.
#
#   scripts/results.sh OUTPUT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

output=$1
for model in planted natural; do
  status=0
  scripts/run_pair.sh models/demo/kingdom-$model-f16.gguf "$output/$model" --baselines || status=$?
  # A run that finds no good mask is a result, too: its results.json says so. Anything else ends here.
  for scenario in defend permit; do
    if [ "$status" -gt 1 ] || [ ! -f "$output/$model/$scenario/results.json" ]; then
      echo "results: error: no results of $scenario on $model" >&2
      exit 1
    fi
  done
done
python3 tools/readme_table.py "$output" README.md
