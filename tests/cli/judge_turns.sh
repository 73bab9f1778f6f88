#!/bin/bash
# A judge that is a model, beside the model and by turns: the same results, and no more memory than the larger one's.
. "$(dirname "$0")/common.sh" "$@"
scenario=$work/tiny.toml
write_scenario "$scenario"
# The natural demo model as a judge of requests, by how it would begin its own reply.
python3 - "$demo/data" >"$work/known.jsonl" <<'END'
import json, sys
for name, verdict in ("direct", "refused"), ("benign", "answered"):
    rows = [json.loads(line) for line in open(f"{sys.argv[1]}/{name}.jsonl")]
    for row in [r for r in rows if r["split"] == "discovery"][:6]:
        print(json.dumps({"messages": row["messages"], "reply": "Good day.", "verdict": verdict}))
END
cat >>"$scenario" <<END

[[judges]]
model = "$(realpath "$natural")"
prompt = "{reply} {request}"
sets = ["direct_refusal"]
known = "known.jsonl"
builtin_known = false
max_tokens = 1
refused_words = ["I", "I'm"]
answered_words = ["It", "Once", "In", "Bow", "Sit", "The", "Could", "There", "Bring", "If", "A", "You", "First"]
END
command=("$mascing" run "$scenario" -m "$planted" -t 1)

run 0 "${command[@]}" -o "$work/beside" --judge-loading beside
run 0 "${command[@]}" -o "$work/turns" --judge-loading turns
for way in beside turns; do
  results_of "$work/$way" >"$work/$way.json"
done
expect_equal "by turns" "$work/beside.json" "$work/turns.json"
expect_equal "by turns" "$work/beside/mask.gguf" "$work/turns/mask.gguf"
python3 -c 'import json, sys
judges = json.load(open(sys.argv[1]))["judges"]["members"]
assert any(j["name"] == "guard" and j["asked"] > 0 for j in judges), judges' "$work/turns/results.json" ||
  fail "the judge was not asked"

run 0 "$mascing" eval "$scenario" -m "$planted" -t 1 --mask "$work/turns/mask.gguf" -o "$work/eval" --judge-loading turns
says out dsr

# What the forecast says: the larger of the two instead of their sum.
run 0 "${command[@]}" -o "$work/dry" --dry-run --judge-loading turns
says out "in turns with the model"
run 0 "${command[@]}" -o "$work/dry" --dry-run --json --judge-loading turns
mv "$work/out" "$work/turns.forecast"
run 0 "${command[@]}" -o "$work/dry" --dry-run --json
n_check=$((n_check + 1))
python3 - "$work/turns.forecast" "$work/out" <<'END' || fail "memory by turns"
import json, sys
turns, beside = (json.load(open(path))["forecast"]["memory_bytes"] for path in sys.argv[1:])
own = beside["all"] - beside["judges"]
assert turns["in_turns"] and not beside["in_turns"]
assert turns["all"] == max(own, turns["judges"]) < beside["all"], (turns, beside)
END

expect_error 2 "--judge-loading" "${command[@]}" -o "$work/x" --judge-loading later
finish
