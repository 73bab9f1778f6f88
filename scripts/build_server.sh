#!/usr/bin/env bash
# Builds llama.cpp's own tools from the same pinned source and with the same flags as our libllama, next to it in the
# cache. `mascing serve` starts them; tests and benchmarks compare with them. Takes some minutes, once per machine.
#
#   scripts/build_server.sh [JOBS]      llama-server, llama-completion, llama-export-lora, llama-bench, llama-quantize,
#                                       llama-gguf-split
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
scripts/configure.sh release
build=$(sed -n 's/^MASCING_LLAMA_BUILD:INTERNAL=//p' build/CMakeCache.txt)
if [ -z "$build" ]; then
  echo "build_server: error: build/ was configured without libllama" >&2
  exit 1
fi
tools=(llama-server llama-completion llama-export-lora llama-bench llama-quantize llama-gguf-split)
missing=false
for tool in "${tools[@]}"; do
  [ -x "$build/bin/$tool" ] || missing=true
done
if ! $missing; then
  echo "$build/bin/llama-server"
  exit 0
fi

echo "build_server: building llama.cpp's tools into $build (some minutes, once per machine)" >&2
exec 9>"$build/../.lock"
flock 9
# No server UI: it would be downloaded. libllama itself is not rebuilt.
cmake "$build" -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF >/dev/null
cmake --build "$build" --parallel "$jobs" --target "${tools[@]}" >&2
echo "$build/bin/llama-server"
