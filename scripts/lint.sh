#!/usr/bin/env bash
# clang-tidy over src/. Every finding is an error (.clang-tidy). Most of the time goes into headers, so sixteen files
# are read as one and share them (a unity build, configured for this and never built). A file that has passed is not
# checked again until it, a header, or the configuration changes.
#
# The static analyzer checks only code in the file itself, so it has its own mode: file by file, half an hour on two
# cores. Run it before a release.
#
#   scripts/lint.sh [JOBS] [--analyzer]
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
build="build-lint"
unity=ON
checks='-bugprone-suspicious-include,-clang-analyzer-*'  # a unity build includes .cpp files
if [ "${2:-}" = --analyzer ]; then
  unity=OFF
  checks='-*,clang-analyzer-*'
fi
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DMASCING_TESTS=OFF -DCMAKE_UNITY_BUILD=$unity \
  -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null

# clang does not know some of g++'s warning options.
tidy() {
  local found status=0
  found=$(clang-tidy -p $build --quiet --checks="$checks" --extra-arg=-Wno-unknown-warning-option "$1" 2>&1) || status=$?
  printf '%s' "$found" | grep -v -E '^[0-9]+ warnings? generated\.$|^Suppressed |^Use -header-filter' || true
  return "$status"  # also of one that was killed and said nothing
}

passed=$build/passed
mkdir -p "$passed"
common=$({ clang-tidy --version; echo "$checks"; cat scripts/lint.sh .clang-tidy $build/compile_commands.json; find src include -name '*.h' -print0 |
  sort -z | xargs -0 cat; } | sha256sum)

# A file of the unity build and the files that it includes.
texts() {
  cat "$1"
  sed -n 's/^#include "\(\/.*\.cpp\)"$/\1/p' "$1" | xargs -r -d '\n' cat
}

check() {
  local stamp
  stamp=$passed/$({ echo "$common" "$1"; texts "$1"; } | sha256sum | cut -c 1-40)
  [ ! -f "$stamp" ] || return 0
  tidy "$1" || { echo "lint: $1" >&2; return 1; }
  touch "$stamp"
}
export -f check texts tidy
export build checks passed common

SECONDS=0
# shellcheck disable=SC2016 # the inner shell expands it
# The generated script of the report has nothing to check.
if ! sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $build/compile_commands.json | grep -v '/web/report_bundle\.cpp$' | sort -u | tr '\n' '\0' |
  xargs -0 -P "$jobs" -n 1 bash -c 'check "$1"' _; then
  echo "lint: error: clang-tidy found problems (see above)" >&2
  exit 1
fi
if command -v shellcheck >/dev/null; then
  shellcheck scripts/*.sh .ci/run
fi
echo "lint: clean ($SECONDS s)" >&2
