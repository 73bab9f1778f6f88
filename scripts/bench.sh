#!/usr/bin/env bash
# Builds the programs of benchmarks/ and runs what compares them with others.
#
#   scripts/bench.sh [JOBS] [OPTIONS OF benchmarks/engine/compare.py]
#
# Needs a quiet machine and, for the comparison, Debian's python3-torch. Leaves tables on stdout and
# build-bench/engine/engine.{json,html}.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
shift || true
scripts/configure.sh bench
cmake --build --preset bench --parallel "$jobs" --target engine_bench
benchmarks/engine/compare.py build-bench/bin/engine_bench build-bench/engine "$@"
benchmarks/engine/memory.sh build-bench/bin/engine_bench build-bench/engine
