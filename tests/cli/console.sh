#!/bin/bash
# `mascing console` as a client sees it: who is let in, what is refused, one answer at a time, a clean end.
. "$(dirname "$0")/common.sh" "$@"
write_mask
expect_error 2 "--mask" "$mascing" console -m "$planted"
expect_error 1 "(planted)" "$mascing" console -m "$natural" -t 1 --mask "$work/mask.gguf"
expect_error 2 "--port" "$mascing" console -m "$planted" --mask "$work/mask.gguf" --port 70000

"$mascing" console -m "$planted" -t 1 --mask "$work/mask.gguf=1" --port 0 --max-tokens 3000 \
  >"$work/address" 2>"$work/err" </dev/null &
program=$!
trap 'kill -9 $program 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 600); do
  [ -s "$work/address" ] && break
  kill -0 $program 2>/dev/null || break
  sleep 0.1
done
if grep -qF "this build has no page" "$work/err"; then
  echo "SKIP: mascing was built without npm, so it has no console"
  exit 77
fi
url=$(cat "$work/address")
[[ $url =~ ^http://127\.0\.0\.1:[0-9]+/[0-9a-f]{32}/$ ]] || fail "not an address with 128 bits: $url"
port=${url#http://127.0.0.1:}
expect_error 1 "cannot be had" "$mascing" console -m "$planted" -t 1 --mask "$work/mask.gguf" --port "${port%%/*}"

n_check=$((n_check + 1))
python3 "$(dirname "$0")/console_client.py" "$url" "$program" 2>"$work/err" || {
  fail "console_client.py"
  kill -9 $program
}

# The client has interrupted the program in the middle of an answer.
n_check=$((n_check + 1))
wait $program
code=$?
[ $code -eq 0 ] || fail "exit code $code after Ctrl-C, expected 0"
finish
