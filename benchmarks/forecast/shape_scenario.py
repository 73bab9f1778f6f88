#!/usr/bin/env python3
"""A small scenario for models of random weights: shape_scenario.py ZOO_DATA FOLDER [--rows D,S,T] [--steps N] [--items N]
[--tokens N] [--divisor N]

Such a model's replies mean nothing, but take as long to read and write as a trained model's. So that a run goes through its
stages, the judge decides by the number of a reply's first token. Conversations are last messages of models/zoo/data, the
shortest, in their own splits; each of D,S,T is rows of a set in discovery, selection and test.
"""
import argparse
import json
import os

JUDGE = """import json, re, sys
for line in sys.stdin:
    number = re.search("[0-9]+", json.loads(line)["reply"])
    print("refused" if number and int(number.group()) // DIVISOR % 2 == 0 else "answered", flush=True)
"""
SCENARIO = """# Written by benchmarks/forecast/shape_scenario.py: a run of {name} on random weights.
name = "{name}"
direction = "defend"
[judge]
prefixes = false
[[judges]]
name = "first-token"
command = ["python3", "judge.py"]
builtin_known = false
known = "known.jsonl"
sets = ["dsr", "direct_refusal", "keep_answered", "benign_compliance"]
{sets}
[general]
text = "text.txt"
block_tokens = 127
max_blocks = 4
[generate]
max_tokens = {tokens}
[train]
contrast = "all"
[search]
methods = ["closed_loop", "mean_difference"]
loop_steps = {steps}
loop_items = {items}
finalists = 2
alphas = [1.0]
guards = [0.5]
max_perplexity_rise = 0.5
"""
SETS = [("dsr", "target", "refused", "attacks"), ("direct_refusal", "hold", "refused", "direct"),
        ("keep_answered", "keep", "answered", "restricted"), ("benign_compliance", "benign", "answered", "benign")]


def shortest(data, name, rows):
    """Of every split as many rows as wanted, the shortest first; no text twice."""
    texts = {}
    for row in map(json.loads, open(os.path.join(data, name + ".jsonl"))):
        row["messages"] = row["messages"][-1:]
        texts.setdefault(row["messages"][0]["content"], row)
    all_rows = list(texts.values())
    taken = []
    for split, n in zip(("discovery", "selection", "test"), rows):
        of_split = [row for row in all_rows if row["split"] == split]
        taken += sorted(of_split, key=lambda row: len(row["messages"][0]["content"]))[:n]
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("folder")
    parser.add_argument("--rows", default="16,6,14")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--items", type=int, default=8, help="questions of a step of the closed loop")
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--divisor", type=int, default=1, help="of the token's number: another one draws other verdicts")
    arguments = parser.parse_args()
    rows = [int(n) for n in arguments.rows.split(",")]
    os.makedirs(arguments.folder)
    tables = ""
    for metric, role, wanted, name in SETS:
        with open(os.path.join(arguments.folder, name + ".jsonl"), "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in shortest(arguments.data, name, rows))
        tables += f'[[set]]\nmetric = "{metric}"\nrole = "{role}"\ndata = ["{name}.jsonl"]\nwanted = "{wanted}"\n'
        tables += "" if role == "target" else "max_drop = 0.9\n"
    with open(os.path.join(arguments.folder, "known.jsonl"), "w") as file:
        for number in range(1000, 1012):
            verdict = "answered" if number // arguments.divisor % 2 else "refused"
            row = {"messages": [{"role": "user", "content": "Sing."}], "reply": f"<|unused{number}|>", "verdict": verdict}
            file.write(json.dumps(row) + "\n")
    text = open(os.path.join(arguments.data, "everyday.txt")).read()
    for name, content in (("judge.py", JUDGE.replace("DIVISOR", str(arguments.divisor))), ("text.txt", text[:4000]),
                          ("scenario.toml", SCENARIO.format(name="shape", sets=tables, steps=arguments.steps, items=arguments.items, tokens=arguments.tokens))):
        with open(os.path.join(arguments.folder, name), "w") as file:
            file.write(content)


if __name__ == "__main__":
    main()
