#!/bin/bash
# At a pseudo terminal of 80 columns: keys and history at prompts, the header of a run, the question before the test.
. "$(dirname "$0")/common.sh" "$@"
write_scenario "$work/tiny.toml"
write_mask
[ "$n_failed" -eq 0 ] || finish
for part in keys history endings menu run; do
  n_check=$((n_check + 1))
  : >"$work/err"
  python3 "$(dirname "$0")/terminal_$part.py" "$mascing" "$planted" "$work" || fail "$part"
done
finish
