#!/usr/bin/env bash
# Overhead of tracing and steering over plain llama.cpp, on random models with the shapes of published ones
# (docs/speed.md). Needs a quiet machine and 3 GB of disk, freed at the end.
#
#   scripts/bench_host.sh [THREADS] [LAYERS] [OPTIONS OF host_bench...]
#
# Only LAYERS layers of each model are written; overheads are per layer, so a few layers show them. MASCING_BENCH_BUILD
# names a build folder that already has the programs.
set -euo pipefail
cd "$(dirname "$0")/.."

threads=${1:-2}
layers=${2:-4}
shift $(($# < 2 ? $# : 2))
build=${MASCING_BENCH_BUILD:-build-bench}
if [ -z "${MASCING_BENCH_BUILD:-}" ]; then
  scripts/configure.sh bench
  cmake --build --preset bench --parallel "$(nproc)" --target shapes host_bench trace_memory
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for model in OLMoE-1B-7B Qwen1.5-MoE-A2.7B; do
  "$build/bin/shapes" write "$model" --layers "$layers" -o "$folder/model.gguf"
  "$build/bin/host_bench" "$folder/model.gguf" --threads "$threads" --conversations 0 "$@"
  echo
done
demo=models/demo/kingdom-natural-f16.gguf
"$build/bin/host_bench" "$demo" --sequences 8 --conversations 500
echo
for n in 100 1000 10000; do
  "$build/bin/trace_memory" "$demo" models/demo/data/attacks.jsonl "$n" "$folder"
done
