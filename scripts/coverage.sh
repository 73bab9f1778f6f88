#!/usr/bin/env bash
# Runs the tests with gcov's counters in our own code (not in libllama) and prints which share of the lines of src/ and
# include/ they ran, by room and in all. The lines themselves: build-coverage/report/index.html. A run of the whole suite,
# but for the tests that take minutes or look at no code of src/, also writes the page on coverage in docs/.
#
#   scripts/coverage.sh [JOBS [REGEX_OF_TESTS [TARGET...]]]
#
# Test programs run as a whole, not test by test: each process adds its counters to those of some 300 files when it ends.
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
# Kills and resumes real commands for minutes; builds outside projects; opens pages in a browser; looks at the sources.
left_out='^(cli\.(campaign|paper|rpc)|package\.|web\.|repo\.|docs\.|fuzz\.)'
left_out_of_programs='*AnInterruptionAtAnyEvent*'

scripts/configure.sh coverage
cmake --build --preset coverage --parallel "$jobs" "${targets[@]}"
find build-coverage -name '*.gcda' -delete
status=0
if [ -n "$filter" ]; then
  ctest --preset coverage --parallel "$jobs" -R "$filter" || status=$?
else
  : >build-coverage/tests.log
  for program in build-coverage/bin/*_test; do
    echo "coverage: $(basename "$program")" >&2
    if ! "$program" --gtest_brief=1 --gtest_filter="-$left_out_of_programs" >build-coverage/program.log 2>&1; then
      status=1
      tail -n 40 build-coverage/program.log >&2
    fi
    grep -E '^\[  (PASSED|FAILED|SKIPPED) ' build-coverage/program.log | tee -a build-coverage/tests.log || true
  done
  ctest --preset coverage --parallel "$jobs" -R '^[a-z_]+[.]' -E "$left_out" | tee -a build-coverage/tests.log || status=$?
fi

mkdir -p build-coverage/report
gcovr --root . --filter 'src/' --filter 'include/' --exclude-unreachable-branches -j "$jobs" \
  --json-summary build-coverage/coverage.json --html-details build-coverage/report/index.html build-coverage/src
python3 tools/coverage_table.py build-coverage/coverage.json
if [ "$status" -ne 0 ]; then
  echo "coverage: error: tests failed (see above); the figures are of what ran" >&2
elif [ -z "$filter" ] && [ ${#targets[@]} -eq 0 ]; then
  n_test=$(awk '/^\[  PASSED/ { n += $4 } /tests passed/ { n += $NF } END { print n }' build-coverage/tests.log)
  python3 tools/coverage_table.py build-coverage/coverage.json --page docs/coverage.md --tests "$n_test" \
    --left-out "$left_out, $left_out_of_programs"
fi
exit "$status"
