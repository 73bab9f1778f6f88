#!/usr/bin/env bash
# clang-tidy over src/ with the compile commands of build/. Every finding is an error (.clang-tidy). A file that has
# passed is not looked at again until it, a header, or the configuration changes.
#
#   scripts/lint.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
build=build
if [ ! -f $build/compile_commands.json ]; then
  echo "lint: error: $build/compile_commands.json is missing; \`make build\` writes it" >&2
  exit 1
fi

# clang does not know some of g++'s warning options, and must not look for processor features on its own terms.
tidy() {
  clang-tidy -p build --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>&1 |
    grep -v -E '^[0-9]+ warnings? generated\.$|^Suppressed |^Use -header-filter' || true
  return "${PIPESTATUS[0]}"
}

passed=$build/lint
mkdir -p "$passed"
common=$({ clang-tidy --version; cat .clang-tidy $build/compile_commands.json; find src include -name '*.h' -print0 |
  sort -z | xargs -0 cat; } | sha256sum)

check() {
  local stamp
  stamp=$passed/$({ echo "$common" "$1"; cat "$1"; } | sha256sum | cut -c 1-40)
  [ ! -f "$stamp" ] || return 0
  tidy "$1" || { echo "lint: $1" >&2; return 1; }
  touch "$stamp"
}
export -f check tidy
export passed common

SECONDS=0
# shellcheck disable=SC2016 # the inner shell is to expand it
if ! git ls-files -z --cached --others --exclude-standard -- 'src/*.cpp' |
  xargs -0 -P "$jobs" -n 1 bash -c 'check "$1"' _; then
  echo "lint: error: clang-tidy has complaints (see above)" >&2
  exit 1
fi
if command -v shellcheck >/dev/null; then
  shellcheck scripts/*.sh .ci/run
fi
echo "lint: clean ($SECONDS s)" >&2
