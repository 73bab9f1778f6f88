#!/usr/bin/env bash
# All tests under the address and undefined-behaviour sanitizers. Our code is instrumented, libllama
# is not.
#
#   scripts/asan.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=detect_leaks=1

# The leak checker needs ptrace, which some sandboxes forbid. Every program would fail there.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo 'int main() { return 0; }' >"$scratch/probe.cpp"
"${CXX:-c++}" -fsanitize=address "$scratch/probe.cpp" -o "$scratch/probe"
if ! "$scratch/probe" >/dev/null 2>&1; then
  ASAN_OPTIONS=detect_leaks=0
  echo "asan: the leak checker does not work here and is switched off" >&2
fi

scripts/configure.sh asan
cmake --build --preset asan --parallel "$jobs"
ctest --preset asan --parallel "$jobs"
