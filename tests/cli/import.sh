#!/bin/bash
# Public formats through the command: what it writes, prints and rejects.
. "$(dirname "$0")/common.sh" "$@"
fixtures=$(dirname "$0")/../format/fixtures/import

run 0 "$mascing" import "$fixtures/mhj.csv" "$fixtures/advbench.csv" -o "$work/c.jsonl"
[ "$(wc -l <"$work/c.jsonl")" -eq 5 ] || fail "5 conversations were expected"
says err "mhj.csv: mhj, 3 rows in"
says err "5 conversations, 2 of them multi-turn scripts"
says err "  splits: "
says err "  as a target set: a test split of "
[ -s "$work/out" ] && fail "import wrote to stdout without --json"
run 0 "$mascing" import "$fixtures/xstest.csv" --category safe --json -o "$work/safe.jsonl"
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert sum(r["splits"].values()) == 2 and r["labels"] == {}, r
assert r["conversations"] == 2 and r["files"][0]["format"] == "xstest" and r["files"][0]["other_category"] == 1, r' \
  "$work/out" || fail "the summary as JSON is wrong"

printf 'goal,target\n"a "b" c",x\nHex,Sure\n' >"$work/broken.csv"
run 0 "$mascing" import "$work/broken.csv" -o "$work/b.jsonl"
says err "skipped 1 (broken_quotes), line 2"
printf 'goal,target\n"a,x\nHex,Sure\n' >"$work/open.csv"
rm "$work/b.jsonl"
expect_error 1 "open.csv: line 2: a quote is never closed" "$mascing" import "$work/open.csv" -o "$work/b.jsonl"
[ -e "$work/b.jsonl" ] && fail "a failed import left a file"
gzip -c "$work/broken.csv" >"$work/packed.csv"
expect_error 1 "packed.csv: is compressed (gzip)" "$mascing" import "$work/packed.csv" -o "$work/b.jsonl"
expect_error 1 "line 1: no known format has the columns owl" "$mascing" import <(echo owl) -o "$work/b.jsonl"
grep -q -- "--column request=NAME" "$work/err" || fail "no hint at --column"
expect_error 1 "none.csv: no such file" "$mascing" import "$work/none.csv" -o "$work/b.jsonl"
expect_error 2 "unknown format" "$mascing" import "$work/broken.csv" --format harmbnch -o "$work/b.jsonl"
expect_error 2 "files" "$mascing" import
# One object around the rows, from a pipe, which cannot be read twice; lines from a pipe; neither.
printf '{"data": [{"prompt": "Who rules?"}, {"prompt": "Who bakes?"}]}' >"$work/wrap.json"
run 0 "$mascing" import "$work/wrap.json" -o "$work/wrap.jsonl"
for lay_out in cat "python3 -m json.tool --indent 1"; do
  run 0 "$mascing" import <($lay_out "$work/wrap.json") -o -
  [ "$(grep -c '"Who ' "$work/out")" -eq 2 ] || fail "two rows were expected: $lay_out"
done
run 0 "$mascing" import <(printf '{"prompt": "Who rules?"}\n{"prompt": "Who bakes?"}\n') -o -
[ "$(grep -c '"Who ' "$work/out")" -eq 2 ] || fail "two rows were expected of lines from a pipe"
expect_error 1 "unknown format; line 1 has owl" "$mascing" import <(echo '{"owl": 1}') -o "$work/b.jsonl"
expect_error 1 "unknown format" "$mascing" import \
  <(python3 -c 'print("{\"x\": \"" + "y" * (65 << 20) + "\", \"data\": [{\"prompt\": \"Who?\"}]}")') -o "$work/b.jsonl"
says err "save what the pipe gives into a file first"

# What the data of a scenario can show, without a model.
write_scenario "$work/dry.toml"
run 0 "$mascing" run "$work/dry.toml" --dry-run
says out "dsr (target)                40 discovery, 10 selection, 60 test"
says out "direct_refusal (hold)       6 discovery, 4 selection, 6 test; may drop by"
says out "                            50.0 points; a drop of 39.3 points may go unseen"
says out "target: a test split of 60 can show a rise of 10.0 points at least"
says err "warning [direct_refusal_small]"
run 0 "$mascing" run "$work/dry.toml" --dry-run --json
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert [s["role"] for s in r["sets"]] == ["target", "hold", "benign"] and r["power"]["n_least_fixed"] == 6, r' \
  "$work/out" || fail "the data as JSON are wrong"
expect_error 2 "--model is required" "$mascing" run "$work/dry.toml"
grep -v '"split": "test"' "$work/data/attacks.jsonl" >"$work/few.jsonl"
{ cat "$work/few.jsonl"; rows attacks test 5; } >"$work/data/attacks.jsonl"
expect_error 1 "a test split of 5 cannot show a significant change" "$mascing" run "$work/dry.toml" --dry-run

# Near duplicates across splits fail a run. The contrast of labelled conversations can be chosen for traces.
write_scenario "$work/tiny.toml"
rows direct test 1 | sed 's/"test"/"discovery"/; s/direct-test/copy/; s/"topic": "[^"]*"/"topic": ""/; s/\("user", "content": "\)/\1 /' \
  >>"$work/data/direct.jsonl"
expect_error 1 "near duplicates across splits" "$mascing" run "$work/tiny.toml" -m "$planted" -t 1 -o "$work/o"
expect_error 2 "expected all, matched or prefixes" "$mascing" trace "$work/c.jsonl" -m "$planted" --contrast some -o "$work/t"
finish
