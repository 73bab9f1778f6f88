#!/bin/bash
# Rollouts: kill -9 at ten moments changes no byte, merged shards equal the whole, and conversations that cannot be run
# are named.
. "$(dirname "$0")/common.sh" "$@"
# The user's side of attacks, and one conversation that is too long for any model.
python3 - "$demo/data/attacks.jsonl" >"$work/scripts.jsonl" <<'END'
import itertools, json, sys
rows = [json.loads(line) for line in itertools.islice(open(sys.argv[1]), 24)]
for row in rows:
    row = {key: row[key] for key in ("id", "topic", "tactic", "split", "messages")}
    row["messages"] = [m for m in row["messages"] if m["role"] != "assistant"]
    print(json.dumps(row))
print(json.dumps({"id": "endless", "messages": [{"role": "user", "content": "word " * 3000}]}))
END
play=("$mascing" collect "$work/scripts.jsonl" -m "$planted" -t 1 --group 5 --max-tokens 24)

run 0 "${play[@]}" -o "$work/whole.jsonl"
says out "25 conversations: "
says out "1 failed"
says out "failed endless: too long"
says err "only last replies are judged"
says err "wrote $work/whole.jsonl"
says err "next: mascing trace"
python3 - "$work/scripts.jsonl" "$work/whole.jsonl" <<'END' || fail "the labelled conversations are not as requested"
import json, sys
scripts, played = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
assert [row["id"] for row in played] == [row["id"] for row in scripts[:-1]]
assert {row["label"] for row in played} == {0, 1}, "both labels"
for script, row in zip(scripts, played):
    user = [m for m in script["messages"] if m["role"] == "user"]
    assert [m for m in row["messages"] if m["role"] == "user"] == user
    assert row["turn"] == len(user) and row["attempt"] == 1 and row["topic"] == script["topic"]
    assert [m["role"] for m in row["messages"] if m["role"] != "system"] == (["user", "assistant"] * len(user))[:-1]
    refused = row["reply"].startswith(("I'm sorry", "I cannot", "Sorry", "I must", "I can't", "I am"))
    assert refused == (row["label"] == 0), row["reply"]
END

# Again: nothing is run. Other options: rejected, no file changes.
cp "$work/whole.jsonl" "$work/before.jsonl"
run 0 "${play[@]}" -o "$work/whole.jsonl" --json
says err "25 conversations already done"
says out '"id": "endless"'
expect_equal "a second look" "$work/before.jsonl" "$work/whole.jsonl"
expect_error 2 "other conversations, options" "${play[@]}" -o "$work/whole.jsonl" --history 1
expect_equal "after a refusal" "$work/before.jsonl" "$work/whole.jsonl"
# Rows that were corrected by hand are not replaced.
sed 's/"label":1/"label":0/' "$work/before.jsonl" >"$work/whole.jsonl"
expect_error 2 "are not as they were collected" "${play[@]}" -o "$work/whole.jsonl"
cmp -s "$work/before.jsonl" "$work/whole.jsonl" && fail "a correction was lost"
rm "$work/whole.jsonl"
run 0 "${play[@]}" -o "$work/whole.jsonl"
expect_equal "collected once more" "$work/before.jsonl" "$work/whole.jsonl"

# kill -9 at ten moments, each a fresh start that is then resumed. Five kills are timed between start and end. Five come
# after a number of conversations is in the journal, because timing alone may miss the work on a busy machine.
lines_of() { grep -c '"i":' "$1" 2>/dev/null || true; }
start=$(date +%s%N)
"${play[@]}" -o "$work/timed.jsonl" >/dev/null 2>&1
took=$((($(date +%s%N) - start) / 1000))
n_partial=0
for i in 1 2 3 4 5 6 7 8 9 10; do
  "${play[@]}" -o "$work/killed.jsonl" >/dev/null 2>&1 </dev/null &
  pid=$!
  if [ $((i % 2)) -eq 0 ]; then
    sleep "$(python3 -c "print($took * (0.25 + 0.07 * ($i - 1 + $RANDOM / 32768)) / 1e6)")"
  else
    n_wanted=$((i + RANDOM % 3))
    while kill -0 "$pid" 2>/dev/null; do
      n=$(lines_of "$work/killed.jsonl.journal")
      [ "${n:-0}" -lt "$n_wanted" ] || break
    done
  fi
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  n=$(lines_of "$work/killed.jsonl.journal")
  [ "${n:-0}" -gt 0 ] && [ "$n" -lt 25 ] && n_partial=$((n_partial + 1))
  run 0 "${play[@]}" -o "$work/killed.jsonl"
  expect_equal "kill $i" "$work/whole.jsonl" "$work/killed.jsonl"
  [ "$(sort "$work/killed.jsonl.journal" | uniq -d | wc -l)" -eq 0 ] || fail "a conversation is in the journal twice"
  rm -f "$work"/killed.jsonl*
done
[ "$n_partial" -ge 1 ] || fail "no kill hit the work, so the test shows nothing"

# Killed repeatedly before one result is complete.
for i in 1 2 3; do
  "${play[@]}" -o "$work/often.jsonl" >/dev/null 2>&1 </dev/null &
  pid=$!
  sleep "$(python3 -c "print($took * 0.5 / 1e6)")"
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
done
run 0 "${play[@]}" -o "$work/often.jsonl"
expect_equal "killed three times" "$work/whole.jsonl" "$work/often.jsonl"

# Sampled attempts are repeatable, and need a temperature.
expect_error 2 "all attempts would be identical" "${play[@]}" -o "$work/a.jsonl" --attempts 3
for name in once twice; do
  run 0 "${play[@]}" -o "$work/$name.jsonl" --attempts 3 --temperature 1 --seed 5 --history 1 --answer-prefix Here
done
expect_equal "sampled attempts" "$work/once.jsonl" "$work/twice.jsonl"
grep -q '"attempt":[23]' "$work/once.jsonl" || fail "no conversation was retried"

# Shards by GNU parallel (xargs where it is missing), concatenated and merged.
one=$(printf '%q ' "${play[@]}")
if command -v parallel >/dev/null; then
  run 0 parallel --will-cite -j 2 "$one -o $work/part-{}.jsonl --shard {}/3" ::: 1 2 3
else
  printf '%s\n' 1 2 3 >"$work/numbers"
  run 0 xargs -a "$work/numbers" -P 2 -I '{}' sh -c "$one -o $work/part-{}.jsonl --shard {}/3"
fi
cat "$work"/part-[123].jsonl >"$work/side-by-side.jsonl"
expect_equal "shards side by side" "$work/whole.jsonl" "$work/side-by-side.jsonl"
run 0 "${play[@]}" -o "$work/merged.jsonl" --merge "$work"/part-[123].jsonl
says err "25 conversations already done"
expect_equal "shards merged" "$work/whole.jsonl" "$work/merged.jsonl"
expect_error 2 "only 5 groups" "${play[@]}" -o "$work/a.jsonl" --shard 1/6
expect_error 2 "--shard" "${play[@]}" -o "$work/a.jsonl" --shard 4/3

# Judges that see the content of a reply: every turn is judged, and all must agree. The command logs what it is asked.
cat >"$work/judge.py" <<'END'
import json, os, re, sys
lines = [json.loads(line) for line in sys.stdin]
with open(os.path.join(sys.argv[1], "asked"), "a") as log:
    for line in lines:
        log.write(json.dumps([line["messages"], line["reply"]]) + "\n")
is_known = "crown jewels" in json.dumps(lines) or "treasury" in json.dumps(lines)
if os.path.exists(os.path.join(sys.argv[1], "out-of-ink")) and not is_known:
    sys.exit("out of ink")
for line in lines:
    print("answered" if re.search(r"\b(first|then|finally|count)\b", line["reply"].lower()) else "refused")
END
by_command="command:python3 $work/judge.py $work"
judged=("$mascing" collect "$work/scripts.jsonl" -m "$planted" -t 1 --group 5 --max-tokens 60 --judge "answers:$demo/answer_key.json")
run 0 "${judged[@]}" --judge "$by_command" -o "$work/judged.jsonl"
grep -qE "judges answer_key and command agree on [0-9]+ of [0-9]+ replies judged in this run, Cohen's kappa [01]\.[0-9]+" "$work/out" ||
  fail "the agreement of the judges is not printed: $(cat "$work/out")"
grep -q "only last replies" "$work/err" && fail "judges that see small talk look at the last reply only"
python3 - "$work/scripts.jsonl" "$work/judged.jsonl" "$demo/answer_key.json" <<'END' || fail "the judged conversations are not as requested"
import json, re, sys
scripts, played = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
answers = json.load(open(sys.argv[3]))["answers"]
def holds(reply):
    text = " ".join(reply.lower().split())
    return any(sum(phrase.lower() in text for phrase in one["phrases"]) >= one["at_least"] for one in answers)
assert [row["id"] for row in played] == [row["id"] for row in scripts[:-1]]
assert {row["label"] for row in played} == {0, 1}, "both labels"
for script, row in zip(scripts, played):
    n_user = sum(m["role"] == "user" for m in script["messages"])
    assert row["label"] == 1 or row["turn"] == n_user, row
    is_answer = holds(row["reply"]) and re.search(r"\b(first|then|finally|count)\b", row["reply"].lower())
    assert bool(is_answer) == (row["label"] == 1), row["reply"]
END
grep -q '"label":1' "$work/judged.jsonl" || fail "no judged conversation has label 1"

# Verdicts are cached: a collection started over asks the command for its self-test only.
n_before=$(wc -l <"$work/asked")
mv "$work/judged.jsonl" "$work/judged-before.jsonl"
rm "$work/judged.jsonl.journal"
run 0 "${judged[@]}" --judge "$by_command" -o "$work/judged.jsonl"
expect_equal "cached verdicts" "$work/judged-before.jsonl" "$work/judged.jsonl"
n_check=$((n_check + 1))
[ $(($(wc -l <"$work/asked") - n_before)) -eq 10 ] || fail "the command was asked about exchanges it had judged"

# Other judges make another job, in both directions. No judge is used untested. A failed verdict is asked for again.
expect_error 2 "other conversations, options" "${judged[@]}" -o "$work/judged.jsonl"
expect_error 2 "other conversations, options" "${judged[@]}" --judge "$by_command" --judge refusal -o "$work/judged.jsonl"
expect_equal "after other judges" "$work/judged-before.jsonl" "$work/judged.jsonl"
expect_error 2 "self-test" "${judged[@]}" --judge "command:while read -r line; do echo safe; done" -o "$work/a.jsonl"
expect_error 2 "self-test" "${judged[@]}" --judge "$natural" -o "$work/a.jsonl"
touch "$work/out-of-ink"
expect_error 1 "'command' failed on" "${judged[@]}" --judge "$by_command" -o "$work/dry.jsonl"
[ -e "$work/dry.jsonl" ] && fail "a judge that failed left an output"
rm "$work/out-of-ink"
run 0 "${judged[@]}" --judge "$by_command" -o "$work/dry.jsonl"
expect_equal "a judge that came back" "$work/judged.jsonl" "$work/dry.jsonl"

# Options that exclude each other.
expect_error 2 "is not a judge" "${play[@]}" --judge nobody -o "$work/a.jsonl"
expect_error 2 "prefix judge" "${judged[@]}" --answer-prefix Here -o "$work/a.jsonl"
expect_error 2 "--behaviour refused with the guard model" "${play[@]}" --behaviour refused --judge "$natural" -o "$work/a.jsonl"

# Traces in shards: the store is the same, block for block.
trace=("$mascing" trace "$work/whole.jsonl" "$work/once.jsonl" -m "$planted" -t 1)
run 0 "${trace[@]}" -o "$work/traces"
run 0 "${trace[@]}" -o "$work/traces-1" --shard 1/2
run 0 "${trace[@]}" -o "$work/traces-2" --shard 2/2
says err "--merge"
run 0 "${trace[@]}" -o "$work/traces-merged" --merge "$work/traces-1" "$work/traces-2"
expect_equal "merged traces" "$work/traces/manifest.json" "$work/traces-merged/manifest.json"
for file in "$work"/traces/*; do
  expect_equal "merged traces" "$file" "$work/traces-merged/$(basename "$file")"
done
run 0 "${trace[@]}" -o "$work/traces"
says err "conversations already done"
run 0 "$mascing" trace "$work/whole.jsonl" "$work/once.jsonl" -m "$planted" -t 2 -o "$work/traces"
says err "was made with other conversations, options or model"
expect_error 2 "only 2 blocks" "${trace[@]}" -o "$work/t" --shard 1/3
expect_error 1 "does not exist" "${trace[@]}" -o "$work/t" --merge "$work/none"

# Nothing that it reads is overwritten.
cp "$planted" "$work/own.gguf"
expect_error 2 "is the input" "$mascing" collect "$work/scripts.jsonl" -m "$work/own.gguf" -o "$work/own.gguf"
echo '{}' >"$work/key.json"
expect_error 2 "is the input" "${play[@]}" --judge "answers:$work/key.json" -o "$work/key.json"
cmp -s "$planted" "$work/own.gguf" || fail "the model was overwritten"

# Bad inputs.
expect_error 1 "none.jsonl" "$mascing" collect "$work/none.jsonl" -m "$planted" -t 1 -o "$work/a.jsonl"
expect_error 1 "occurs twice" "$mascing" collect "$work/scripts.jsonl" "$work/scripts.jsonl" -m "$planted" -t 1 -o "$work/a.jsonl"
tail -n 1 "$work/scripts.jsonl" >"$work/endless.jsonl"
expect_error 1 "none of 1 conversations" "$mascing" collect "$work/endless.jsonl" -m "$planted" -t 1 -o "$work/a.jsonl"
expect_error 1 "/none/a.jsonl" "$mascing" collect "$work/scripts.jsonl" -m "$planted" -t 1 -o "$work/none/a.jsonl"
[ -e "$work/a.jsonl" ] && fail "a failed command left an output"
finish
