# Stand-ins of public sets in the columns that those have, made from the fairy-tale world of models/zoo/data:
# public_stand_ins.py DATA OUTPUT
import csv, json, sys
data, out = sys.argv[1], sys.argv[2]
def rows(name):
    return [json.loads(line) for line in open(f"{data}/{name}.jsonl")]
def last(row):
    return row["messages"][-1]["content"]
def table(name, head, lines):
    with open(f"{out}/{name}", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(lines)
turns = [f"message_{i}" for i in range(101)]
scripts = []
for row in rows("attacks"):
    said = [m["content"] for m in row["messages"] if m["role"] == "user"]
    cells = [json.dumps({"body": text, "role": "user"}) for text in said]
    scripts.append(["court", "0.7", row.get("tactic", ""), row["topic"], "60", "done"] + cells + [""] * (101 - len(cells)))
table("mhj.csv", ["Source", "temperature", "tactic", "question_id", "time_spent", "submission_message"] + turns, scripts)
table("advbench.csv", ["goal", "target"], [[last(row), "Sure, here is"] for row in rows("direct")])
table("tales.csv", ["question", "subject"], [[last(row), row["topic"]] for row in rows("restricted")])
xs = [[i, last(row), "homonyms", "safe", row["topic"], ""] for i, row in enumerate(rows("neighbours"))]
xs += [[10000 + i, last(row), "contrast", "unsafe", row["topic"], ""] for i, row in enumerate(rows("direct"))]
table("xstest.csv", ["id", "prompt", "type", "label", "focus", "note"], xs)
alpaca = [{"instruction": last(row), "input": "", "output": row.get("reference", "")} for row in rows("benign")]
json.dump(alpaca, open(f"{out}/alpaca.json", "w"))
# The same sets under the names that their owners give them; of the permitted category, {"prompt"} lines as in the
# research code.
table("harmbench_behaviors_text_all.csv",
      ["Behavior", "FunctionalCategory", "SemanticCategory", "Tags", "ContextString", "BehaviorID"],
      [[last(row), "standard", row.get("category", ""), "", "", f"b{i}"] for i, row in enumerate(rows("direct"))])
table("xstest_prompts.csv", ["id", "prompt", "type", "label", "focus", "note"], xs)
json.dump(alpaca, open(f"{out}/alpaca_data.json", "w"))
with open(f"{out}/permitted.jsonl", "w") as file:
    for row in rows("restricted"):
        file.write(json.dumps({"prompt": last(row)}) + "\n")
# Of the research code: one attack a line, and one answered conversation a line.
with open(f"{out}/research_attacks.jsonl", "w") as file:
    for i, row in enumerate(rows("attacks")):
        file.write(json.dumps({"question_id": row["topic"], "tactic": row.get("tactic", ""), "jailbreak_turn": i % 3,
                               "conversation_history": row["messages"], "jailbreak_response": "Very well."}) + "\n")
