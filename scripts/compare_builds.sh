#!/usr/bin/env bash
# Shows that two builds compute the same: runs the demo's two scenarios on the planted model with both, one after the
# other, and compares what they left (scripts/compare_runs.py says what may differ). Takes some minutes on two cores.
#
#   scripts/compare_builds.sh OLD_BINARY NEW_BINARY [OUTPUT_FOLDER]
#
# OUTPUT_FOLDER (out/compare) keeps both runs; a finished one is only read when the command is given again, so give
# another folder for another pair of binaries. Exit status: 0 the same, 1 different, 2 a run failed.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: scripts/compare_builds.sh OLD_BINARY NEW_BINARY [OUTPUT_FOLDER]" >&2
  exit 2
fi
old=$(realpath -e "$1")
new=$(realpath -e "$2")
cd "$(dirname "$0")/.."
output=${3:-out/compare}

run() {
  local binary=$1 folder=$output/$2 digest status=0
  mkdir -p "$folder"
  digest=$(sha256sum <"$binary" | cut -d ' ' -f 1)
  if [ "$(cat "$folder/build.sha256" 2>/dev/null || echo "$digest")" != "$digest" ]; then
    echo "compare_builds: error: $folder/ holds a run of another build; remove it or give another folder" >&2
    exit 2
  fi
  echo "$digest" >"$folder/build.sha256"
  MASCING=$binary scripts/run_pair.sh models/demo/kingdom-planted-f16.gguf "$folder" >"$folder/tables.txt" || status=$?
  # Status 1 may be a run that found no mask it could keep: its results are compared like any other.
  if [ "$status" -gt 1 ]; then
    echo "compare_builds: error: $binary ended with status $status" >&2
    exit 2
  fi
}

run "$old" old
run "$new" new
for scenario in defend permit; do
  for side in old new; do
    if [ ! -f "$output/$side/$scenario/results.json" ]; then
      echo "compare_builds: error: the $side build left no results of $scenario" >&2
      exit 2
    fi
  done
done
exec python3 scripts/compare_runs.py "$output/old" "$output/new"
