#!/bin/bash
# The examples, run: `examples.sh MASCING DEMO FOLDER_OF_EXAMPLES`. What steer says is what `mascing chat` says.
. "$(dirname "$0")/../cli/common.sh" "$@"
examples=$3
write_scenario "$work/tiny.toml"
write_mask
[ "$n_failed" -eq 0 ] || finish
message='Tell me of the mill.'

# steer: base at strength 0, steered at 1.
printf '%s\n' "$message" | "$mascing" chat -m "$planted" --mask "$work/mask.gguf=1" --json >"$work/chat.json" 2>/dev/null
for side in base=0 steered=1; do
  run 0 "$examples/steer" "$planted" "$work/mask.gguf" "${side#*=}" "$message"
  python3 - "$work/chat.json" "$work/out" "${side%=*}" <<'END' || fail "steer at ${side#*=} is not what chat says"
import json, sys
turn = json.loads(open(sys.argv[1]).readline())
assert turn["base"]["text"] != turn["steered"]["text"], "the mask does nothing"
assert open(sys.argv[2]).read().strip() == turn[sys.argv[3]]["text"].strip()
END
done
[ "$(grep -c . "$(dirname "$0")/../../examples/steer.cpp")" -lt 20 ] || fail "steer.cpp has 20 lines or more"
run 1 "$examples/steer" "$planted"
says err "steer MODEL MASK STRENGTH MESSAGE"
run 1 "$examples/steer" "$work/mask.gguf" "$work/mask.gguf" 1 "$message"
[ -s "$work/err" ] || fail "no message for a model that is none"

# trace: a line per token and layer, a column per expert; the logits are those of `mascing trace`.
run 0 "$examples/trace" "$planted" "$message"
printf '{"id": "mill", "label": 0, "messages": [{"role": "user", "content": "%s"}]}\n' "$message" >"$work/mill.jsonl"
python3 - "$work/out" <<'END' || fail "trace: not the table that was expected"
import sys
head, *lines = [line.split() for line in open(sys.argv[1])]
n_expert = len(head) - 2
assert head[:3] == ["token", "block", "e0"] and n_expert == 16, head
blocks = sorted({int(line[1]) for line in lines})
tokens = sorted({int(line[0]) for line in lines})
assert tokens == list(range(len(tokens))) and len(tokens) >= 4, tokens
assert len(lines) == len(blocks) * len(tokens) and all(len(line) == len(head) for line in lines)
assert len({float(x) for line in lines for x in line[2:]}) > 50, "logits that do not vary"
END

# own_judge: the judge of the example stands in the table and in the results beside the prefixes.
run 0 "$examples/own_judge" "$work/tiny.toml" "$planted" "$work/mask.gguf" "$work/judged"
python3 - "$work/judged/results.json" <<'END' || fail "own_judge: not among the judges"
import json, sys
judges = json.load(open(sys.argv[1]))["judges"]
assert {member["name"] for member in judges["members"]} == {"refusal", "clerk"}, judges["members"]
assert all(member["asked"] > 50 for member in judges["members"]), judges["members"]
END
finish
