#!/usr/bin/env bash
# Overhead of tracing and steering on an NVIDIA GPU: plain llama.cpp, the hook (tap) and a LoRA adapter, on random
# models with the shapes of Qwen3-30B-A3B (17 GB), gpt-oss-20b (12 GB) and six layers of DeepSeek-V3 (22 GB).
#
#   scripts/bench_gpu.sh [OPTIONS OF host_bench...]
#
# Needs the CUDA toolkit (nvcc), 20 GB of disk and 30 GB of GPU memory. The pinned llama.cpp is built a second time, with
# CUDA, and so is mascing (build-gpu/). That takes an hour on two cores. MASCING_BENCH_BUILD names a build folder that
# has the programs already. MASCING_GPU_MODELS selects from "qwen3 gpt-oss deepseek-v3".
set -euo pipefail
cd "$(dirname "$0")/.."

build=${MASCING_BENCH_BUILD:-build-gpu}
if [ -z "${MASCING_BENCH_BUILD:-}" ]; then
  if ! command -v nvcc >/dev/null; then
    echo "bench_gpu: error: nvcc is not on the PATH" >&2
    echo "hint: install the CUDA toolkit; without a GPU, scripts/bench_host.sh measures the CPU" >&2
    exit 1
  fi
  scripts/configure.sh gpu
  cmake --build --preset gpu --parallel "$(nproc)" --target shapes host_bench
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || true

for model in ${MASCING_GPU_MODELS:-qwen3 gpt-oss deepseek-v3}; do
  case $model in
    qwen3) shape=(Qwen3-30B-A3B --type q4_0) ;;
    gpt-oss) shape=(gpt-oss-20b --type mxfp4) ;;
    deepseek-v3) shape=(DeepSeek-V3 --layers 6) ;;
    *) echo "bench_gpu: error: no model '$model'; known: qwen3 gpt-oss deepseek-v3" >&2; exit 2 ;;
  esac
  "$build/bin/shapes" write "${shape[@]}" -o "$folder/model.gguf"
  "$build/bin/host_bench" "$folder/model.gguf" --threads 4 --gpu-layers -1 --lora 1 --prompt 512 --decode 64 \
    --batch 2048 --conversations 100 --rounds 3 "$@"
  rm "$folder/model.gguf"
  echo
done
