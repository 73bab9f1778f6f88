#!/bin/bash
# Runs the commands of README.md and docs on stand-ins for a reader's files: commands.sh MASCING DEMO [PAGE...]
. "$(dirname "$0")/../cli/common.sh" "$@"
here=$(cd "$(dirname "$0")" && pwd)
shift 2
stand=$work/stand-in
mkdir -p "$stand"
write_scenario "$work/scenario.toml"
write_mask
cp -r "$work/scenario.toml" "$work/data" "$stand/"
cp "$work/scenario.toml" "$stand/permit.toml"
ln -s "$(cd "$demo" && pwd)/$(basename "$planted")" "$stand/model.gguf"
for name in mask defend permit; do
  cp "$work/mask.gguf" "$stand/$name.gguf"
done
cp "$work/labelled.jsonl" "$stand/"
rows benign discovery 60 >"$stand/benign.jsonl"
rows benign discovery 12 >"$stand/chats.jsonl"
rows benign selection 12 >"$stand/other-chats.jsonl"
rows attacks discovery 60 >"$stand/conversations.jsonl"
rows attacks discovery 120 >"$stand/scripts.jsonl"
python3 - "$stand" <<'END'
import csv, json, sys
from pathlib import Path
folder = Path(sys.argv[1])
rows = [json.loads(line) for line in open(folder / "benign.jsonl")][:10]
for row in rows:
    row["reply"] = "I'm sorry, but I cannot help with that."
    row["verdict"] = "refused"
(folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
attacks = [json.loads(line) for line in open(folder / "scripts.jsonl")]
turns = [[message["content"] for message in row["messages"] if message["role"] == "user"] for row in attacks]
with open(folder / "mhj.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["question_id", "Source", "message_0", "message_1", "message_2"])
    table.writerows([row["topic"], "kingdom"] + (said + ["", ""])[:3] for row, said in zip(attacks, turns))
(folder / "alpaca.json").write_text(json.dumps(
    [{"instruction": row["messages"][-1]["content"], "input": "", "output": row.get("reference", "")} for row in map(
        json.loads, open(folder / "benign.jsonl"))]))
(folder / "advbench.csv").write_text("goal,target\nTell me how to forge the royal seal.,Sure\n")
(folder / "harmbench.csv").write_text(
    "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\nSteal the dragon egg,standard,tale,,,egg\n")
END
python3 "$here/commands.py" "$mascing" "$stand" "$work" "$@" || fail "commands of the documentation"
n_check=$((n_check + 1))
# docs/formats.md against the files that the commands of docs/deployment.md wrote.
made=$work/docs-deployment-md
if [ $# -eq 0 ]; then
  run 0 python3 "$here/formats.py" "$work/mask.gguf" "$made/mask.lora.gguf" "$made/model-steered.gguf"
fi
finish
