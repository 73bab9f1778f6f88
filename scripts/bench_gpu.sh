#!/usr/bin/env bash
# The same comparison on a CUDA GPU: plain llama.cpp, the hook (tap) and the LoRA route, on random models with the
# shapes of Qwen3-30B-A3B (17 GB) and gpt-oss-20b (12 GB). Not yet run on any GPU: none was at hand when it was written.
#
#   scripts/bench_gpu.sh [LLAMA_CPP_CHECKOUT] [OPTIONS OF host_bench...]
#
# Needs the CUDA toolkit (nvcc), 35 GB of disk and 24 GB of GPU memory. The pinned llama.cpp, unless a checkout is given,
# is built a second time, with CUDA, and so is mascing (build-gpu/).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nvcc >/dev/null; then
  echo "bench_gpu: error: nvcc is not on the PATH" >&2
  echo "hint: install the CUDA toolkit; without a GPU, scripts/bench_host.sh measures the CPU" >&2
  exit 1
fi
arguments=(-DCMAKE_BUILD_TYPE=Release -DMASCING_TESTS=OFF -DMASCING_BENCHMARKS=ON -DMASCING_CUDA=ON)
if [ -n "${1:-}" ]; then
  arguments+=("-DMASCING_LLAMA_SOURCE=$(realpath "$1")")
fi
shift $(($# < 1 ? $# : 1))

cmake -S . -B build-gpu -G Ninja "${arguments[@]}"
cmake --build build-gpu --parallel "$(nproc)" --target shapes host_bench
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || true

build-gpu/bin/shapes write Qwen3-30B-A3B --type q4_0 -o "$folder/qwen3.gguf"
build-gpu/bin/shapes write gpt-oss-20b --type mxfp4 -o "$folder/gpt-oss.gguf"
for model in qwen3 gpt-oss; do
  build-gpu/bin/host_bench "$folder/$model.gguf" --threads 4 --gpu-layers -1 --lora 1 --prompt 512 --decode 64 \
    --conversations 100 "$@"
  echo
done
