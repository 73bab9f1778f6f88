#!/usr/bin/env bash
# Builds and runs every program of benchmarks/.
#
#   scripts/bench.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -f benchmarks/CMakeLists.txt ]; then
  echo "bench: there is no benchmarks/ folder in this version: nothing to do" >&2
  exit 0
fi
scripts/configure.sh bench
cmake --build --preset bench --parallel "${1:-$(nproc)}"
for program in build-bench/bin/*bench*; do
  echo "== $(basename "$program")"
  "$program"
done
