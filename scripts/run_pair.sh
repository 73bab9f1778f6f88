#!/usr/bin/env bash
# Runs defend and permit on one small model in parallel, one thread each: the model is too small to benefit from two.
#
#   scripts/run_pair.sh MODEL OUTPUT_FOLDER [OPTION_OF_MASCING_RUN]...
#
# The scenarios are those of scenarios/demo, or of the folder named by SCENARIOS (scenarios/zoo for the zoo's models).
# Writes OUTPUT_FOLDER/defend and OUTPUT_FOLDER/permit and prints both tables at the end. Exit status: 0 both done,
# 1 one of them failed, 130 interrupted (run again to resume).
set -euo pipefail
cd "$(dirname "$0")/.."

model=$1
output=$2
shift 2
mascing=${MASCING:-build/bin/mascing}
folder=${SCENARIOS:-scenarios/demo}
scenarios=(defend permit)
scratch=$(mktemp -d)
pids=()
interrupted=false
stop() {
  interrupted=true
  if [ ${#pids[@]} -gt 0 ]; then
    kill -TERM "${pids[@]}" 2>/dev/null || true
  fi
}
trap stop INT TERM
trap 'rm -rf "$scratch"' EXIT

echo "$(basename "$model"): defend and permit, into $output/ (some minutes on two cores)" >&2
SECONDS=0
for scenario in "${scenarios[@]}"; do
  mkdir -p "$output/$scenario"
  # Progress lines are prefixed with their scenario. sed must not be stopped; it ends with its input.
  "$mascing" run "$folder/$scenario.toml" -m "$model" -o "$output/$scenario" -t 1 "$@" \
    >"$scratch/$scenario" 2> >(trap '' INT; exec sed -u "s/^/[$scenario] /" >&2) &
  pids+=($!)
done

# `wait` returns early when a signal arrives; then wait for the process again.
status_of() {
  local status=0
  wait "$1" || status=$?
  while kill -0 "$1" 2>/dev/null; do
    status=0
    wait "$1" || status=$?
  done
  return "$status"
}

failed=()
for i in "${!scenarios[@]}"; do
  status_of "${pids[$i]}" || failed+=("${scenarios[$i]}")
done
if $interrupted; then
  echo "interrupted: run the same command again to resume" >&2
  exit 130
fi

sleep 0.1 # let the last progress lines appear before the tables
for scenario in "${scenarios[@]}"; do
  echo
  cat "$scratch/$scenario"
done
echo
printf 'took %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
for scenario in "${scenarios[@]}"; do
  if [ -f "$output/$scenario/report.html" ]; then
    echo "open $output/$scenario/report.html"
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]} (see the lines with this prefix above)" >&2
  exit 1
fi
