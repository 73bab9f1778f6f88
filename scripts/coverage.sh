#!/usr/bin/env bash
# Runs the tests with gcov's counters in our own code (not in libllama) and prints which share of the lines of src/ and
# include/ they ran, by room and in all. The lines themselves: build-coverage/report/index.html.
#
#   scripts/coverage.sh [JOBS [REGEX_OF_TESTS [TARGET...]]]
#
# With TARGETs only these are built, to look at a part: scripts/coverage.sh 2 '^Sha256' base_test
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
filter=${2:-}
targets=()
for target in "${@:3}"; do
  targets+=(--target "$target")
done

scripts/configure.sh coverage
cmake --build --preset coverage --parallel "$jobs" "${targets[@]}"
find build-coverage -name '*.gcda' -delete
status=0
ctest --preset coverage --parallel "$jobs" ${filter:+-R "$filter"} || status=$?

mkdir -p build-coverage/report
gcovr --root . --filter 'src/' --filter 'include/' --exclude-unreachable-branches -j "$jobs" \
  --json-summary build-coverage/coverage.json --html-details build-coverage/report/index.html build-coverage/src
python3 - build-coverage/coverage.json <<'END'
import json
import sys

rooms = {}
with open(sys.argv[1], encoding="utf-8") as file:
    for entry in json.load(file)["files"]:
        parts = entry["filename"].split("/")
        room = "/".join(parts[:3 if parts[1:3] == ["host", "llama"] else 2])
        covered, total = rooms.get(room, (0, 0))
        rooms[room] = covered + entry["line_covered"], total + entry["line_total"]
print(f"{'room':18} {'lines':>8} {'covered':>8} {'share':>8}")
rows = sorted(rooms.items()) + [("all", tuple(map(sum, zip(*rooms.values()))))]
for room, (covered, total) in rows:
    print(f"{room:18} {total:8} {covered:8} {100.0 * covered / max(total, 1):6.1f} %")
END
if [ "$status" -ne 0 ]; then
  echo "coverage: error: tests failed (see above); the figures are of what ran" >&2
fi
exit "$status"
