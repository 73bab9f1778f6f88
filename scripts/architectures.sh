#!/usr/bin/env bash
# Writes the tables of docs/architectures.md and README.md from a run of the conformance tests.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/configure.sh release
cmake --build --preset release --target conformance_test
rm -f build/zoo/*.json
build/bin/conformance_test --gtest_brief=1
python3 tools/architectures_table.py build/zoo docs/architectures.md README.md
