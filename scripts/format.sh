#!/usr/bin/env bash
# clang-format over all C++ of the repository: in place, or with --check as a gate.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run -Werror)
fi
mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.h')
if [ ${#files[@]} -eq 0 ]; then
  echo "format: error: git knows no C++ files here; it works in a clone of the repository only" >&2
  exit 1
fi
if ! command -v clang-format >/dev/null; then
  echo "format: error: clang-format was not found; scripts/setup.sh test installs it" >&2
  exit 1
fi
if ! printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 20 clang-format "${mode[@]}" --style=file; then
  echo "format: error: some files are not formatted; run \`make format\`" >&2
  exit 1
fi
