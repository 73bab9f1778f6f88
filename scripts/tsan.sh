#!/usr/bin/env bash
# Runs the tests of code that starts threads (network, host, conformance, judges, stages) under the thread sanitizer.
# Our code is instrumented, libllama is not; reports from it are suppressed (tests/tsan.supp).
#
#   scripts/tsan.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
scripts/configure.sh tsan
programs=(nn_test judge_test host_llama_test host_converse_test conformance_test stage_loop_test)
cmake --build --preset tsan --parallel "$jobs" --target "${programs[@]}"
export OMP_WAIT_POLICY=passive  # waits are long under the sanitizer, so do not spin
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 suppressions=$PWD/tests/tsan.supp"
for program in "${programs[@]}"; do
  echo "tsan: $program" >&2
  build-tsan/bin/"$program" --gtest_brief=1
done
