#!/usr/bin/env bash
# Both scenarios on both demo models, with all baselines, then the table of README.md. An interrupted run goes on where
# it stopped; what another build has left in the folder is thrown away first, so that no old number gets into the table.
#
#   scripts/results.sh OUTPUT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

output=$1
build=$(sha256sum <"${MASCING:-build/bin/mascing}" | cut -d ' ' -f 1)
if [ -e "$output/planted" ] && [ "$(cat "$output/build.sha256" 2>/dev/null)" != "$build" ]; then
  echo "results: $output/ holds results of another build: starting anew" >&2
  rm -rf "$output/planted" "$output/natural"
fi
mkdir -p "$output"
echo "$build" >"$output/build.sha256"
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
