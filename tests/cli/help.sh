#!/bin/bash
# The help of every command opens with an example; wrong usage has its own exit code.
. "$(dirname "$0")/common.sh" "$@"

for command in "" run search chat import eval collect trace train steer inspect judge report export serve "mask show" "mask diff" "mask compose" "mask verify" \
  "mask unbake"; do
  for flag in --help -h; do
    run 0 "$mascing" $command $flag
    [ "$(grep -v '^$' "$work/out" | head -n 1)" = "Example:" ] || fail "help of '$command' does not open with an example"
    grep -q "^  mascing ${command:-run}" "$work/out" || fail "help of '$command' has no example of it"
    [ -s "$work/err" ] && fail "help of '$command' wrote to stderr"
  done
done
run 0 "$mascing" mask --help
says out show
run 0 "$mascing" --version
says out "mascing "

expect_error 2 "subcommand" "$mascing"
expect_error 2 "subcommand" "$mascing" frobnicate
expect_error 2 "--frobnicate" "$mascing" run scenario.toml -m model.gguf --frobnicate
says err "see 'mascing run --help'"
expect_error 2 "scenario" "$mascing" run
expect_error 2 "--model" "$mascing" run scenario.toml
expect_error 2 "--threads" "$mascing" run scenario.toml -m "$planted" -t -1
expect_error 2 "--seed" "$mascing" run scenario.toml -m "$planted" --seed many
expect_error 2 "--alpha" "$mascing" eval scenario.toml -m "$planted" --mask m.gguf --alpha -1
expect_error 2 "--target" "$mascing" steer traces --target 2
expect_error 2 "" "$mascing" mask
expect_error 2 "" "$mascing" inspect
finish
