#!/usr/bin/env bash
# Builds the engine's benchmarks and compares training and steering with PyTorch.
#
#   scripts/bench.sh [JOBS] [OPTIONS OF benchmarks/engine/compare.py]
#
# Needs a quiet machine and, for the comparison, Debian's python3-torch. Prints tables to stdout and writes
# build-bench/engine/engine.{json,html}.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
shift || true
scripts/configure.sh bench
cmake --build --preset bench --parallel "$jobs" --target engine_bench
benchmarks/engine/compare.py build-bench/bin/engine_bench build-bench/engine "$@"
benchmarks/engine/memory.sh build-bench/bin/engine_bench build-bench/engine
