#!/usr/bin/env bash
# Runs every fuzz target for some time under the address and undefined-behaviour sanitizers. A finding ends the script
# and leaves the input in build-asan/crash-<target>; `build-asan/bin/fuzz_<target> --seconds 0 FILE` reproduces it.
# MASCING_FUZZ_PRESET=release runs without sanitizers, in build/, which CI has already built.
#
#   scripts/fuzz.sh [SECONDS] [JOBS] [SEED] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
jobs=${2:-$(nproc)}
seed=${3:-$(date +%s)}
shift $(($# < 3 ? $# : 3))
export UBSAN_OPTIONS=print_stacktrace=1
# A single allocation of more than 2 GB means that a size was not checked.
export ASAN_OPTIONS=detect_leaks=0:max_allocation_size_mb=2048

targets=("$@")
[ $# -gt 0 ] || targets=(adapters candidates csv gguf hf http journal jsonl replies results safetensors surrogate toml traces)
preset=${MASCING_FUZZ_PRESET:-asan}
build=build
[ "$preset" = release ] || build=build-$preset
scripts/configure.sh "$preset"
cmake --build --preset "$preset" --parallel "$jobs" --target "${targets[@]/#/fuzz_}"
echo "fuzz: $seconds s each, seed $seed" >&2
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} sh -c \
  "$build"'/bin/fuzz_{} --seconds '"$seconds"' --seed '"$seed"' --crash '"$build"'/crash-{} >'"$build"'/fuzz-{}.log 2>&1 ||
   { cat '"$build"'/fuzz-{}.log >&2; echo "fuzz: error: {} has a finding" >&2; exit 255; }; sed "s/^/{}: /" '"$build"'/fuzz-{}.log'
