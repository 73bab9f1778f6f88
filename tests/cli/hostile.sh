#!/bin/bash
# Files that were made to end the program: each ends in one clear error, or is read as far as it makes sense.
. "$(dirname "$0")/common.sh" "$@"
tools=$(cd "$(dirname "$0")" && pwd)/gguf_tools.py
# made FILE EXPRESSION: what a Python expression says, as Latin-1.
made() { python3 -c 'import sys; open(sys.argv[1], "wb").write(eval(sys.argv[2]).encode("latin-1"))' "$work/$1" "$2"; }
# changed FILE NAME KEY: the planted model with what $work/NAME holds under a key.
changed() { python3 "$tools" with_text "$planted" "$work/$1" "$3" "$work/$2" || fail "$1 was not made"; }
echo '{"messages": [{"role": "user", "content": "Who rules?"}], "label": 0}' >"$work/row.jsonl"

# Nesting without end: chat templates, JSON, TOML.
i=0
for template in '"{{ " + "(" * 10000 + "1" + ")" * 10000 + " }}"' '"{% if true %}" * 20000' '"{{ " + "not " * 60000 + "1 }}"' \
  '"x" * 300000'; do
  i=$((i + 1))
  made template "$template"
  changed "nested$i.gguf" template tokenizer.chat_template
  expect_error 1 "the model's chat template has" "$mascing" inspect "$work/nested$i.gguf"
done
# What calls itself only when it is run is found out by the full stack; other faults are what they were.
made template '"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"'
changed endless.gguf template tokenizer.chat_template
expect_error 1 "something in a file nests, or calls itself, without end" "$mascing" inspect "$work/endless.gguf"
mkfifo "$work/pipe"
run 139 bash -c 'ulimit -c 0; "$1" import "$2" -o "$2.jsonl" & sleep 1; kill -SEGV $!; wait $!' _ "$mascing" "$work/pipe"
made judge.jsonl '"{\"reply\": \"So.\", \"messages\": [{\"role\": %s1%s}]}" % ("[" * 200000, "]" * 200000)'
expect_error 1 "judge.jsonl: line 1: invalid JSON: nested too deeply" "$mascing" judge "$work/judge.jsonl"
mkdir "$work/hf"
python3 "$tools" make_folder "$planted" "$work/hf"
cp -r "$work/hf" "$work/baked"
made baked/mascing.json '"{\"routers\": {}, \"scenario\": %s1%s}" % ("[" * 300000, "]" * 300000)'
expect_error 1 "mascing.json is damaged" "$mascing" mask verify "$work/baked"
made keys.toml '"[" + "a." * 300000 + "a]"'
expect_error 2 "keys.toml:1: not valid TOML: a key or header with more than 16 dots" "$mascing" run "$work/keys.toml" --dry-run

# One of two equal keys or columns would be passed over in silence.
echo '{"messages": [{"role": "user", "content": "Who rules?"}], "label": 0, "label": 1}' >"$work/twice.jsonl"
expect_error 1 "twice.jsonl:1: invalid JSON: an object has two keys \"label\"" "$mascing" trace "$work/twice.jsonl" -m "$planted" \
  -o "$work/twice"
printf 'reply,reply\nYes,No\n' >"$work/twice.csv"
expect_error 1 "several columns are \"reply\"" "$mascing" judge "$work/twice.csv"

# Names that are no UTF-8.
made name '"R\xe9gent"'
changed latin.gguf name general.name
run 0 "$mascing" inspect --json --no-probe "$work/latin.gguf"
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["name"] == "R\ufffdgent"' "$work/out" || fail "the name is lost"

# A tokenizer that knows nothing.
python3 "$tools" without_tokens "$planted" "$work/mute.gguf"
expect_error 1 "the model's tokenizer has no token" "$mascing" trace "$work/row.jsonl" -m "$work/mute.gguf" -o "$work/mute"
finish
