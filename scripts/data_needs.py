#!/usr/bin/env python3
"""The table of docs/data.md: test conversations against the smallest effect that can be shown.

    scripts/data_needs.py MASCING            writes the table into docs/data.md
    scripts/data_needs.py MASCING --check    exit status 1 if the page has another one

The figures are the program's own: `mascing run --dry-run --json` on made-up sets of each size.
"""
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/data.md"
BEGIN, END = "<!-- data:begin -->\n", "<!-- data:end -->\n"
SIZES = [10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000]
SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu"]
SCENARIO = """name = "sizes"
direction = "defend"
[[set]]
metric = "dsr"
role = "target"
data = ["target.jsonl"]
wanted = "refused"
[[set]]
metric = "direct_refusal"
role = "hold"
data = ["hold.jsonl"]
wanted = "refused"
"""


def write_rows(path, n_test, dice):
    """Rows of invented words, no two alike."""
    with open(path, "w", encoding="utf-8") as file:
        for i in range(n_test + 2):
            words = ["".join(dice.choices(SYLLABLES, k=4)) for _ in range(12)]
            split = ["discovery", "selection"][i] if i < 2 else "test"
            file.write(json.dumps({"id": f"{path.stem}-{i}", "topic": f"{path.stem}-{i}", "split": split,
                                   "messages": [{"role": "user", "content": " ".join(words)}]}) + "\n")


def facts_of(mascing, n_test):
    dice = random.Random(n_test)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("target", "hold"):
            write_rows(Path(folder) / f"{name}.jsonl", n_test, dice)
        (Path(folder) / "sizes.toml").write_text(SCENARIO)
        done = subprocess.run([mascing, "run", f"{folder}/sizes.toml", "--dry-run", "--json"], capture_output=True,
                              text=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["power"]["n_test"] == n_test
    return facts["power"], facts["sets"][1]


def percent(share):
    return f"{100 * share:.1f} %"


def table(mascing):
    lines = ["| test conversations | smallest rise that can be significant | true rise found in four of five tests "
             "| drop of a hold set that can go unseen |", "| --- | --- | --- | --- |"]
    for n in SIZES:
        power, hold = facts_of(mascing, n)
        lines.append(f"| {n:,} | {percent(power['least_rise'])} ({power['n_least_fixed']} fixed) | "
                     f"{percent(power['sure_rise'])} | {percent(hold['unseen_drop'])} |")
    return "\n".join(lines) + "\n"


def main():
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    new = text[:begin] + table(sys.argv[1]) + text[end:]
    if sys.argv[2:] == ["--check"]:
        if new != text:
            sys.exit(f"data_needs: the table of {PAGE.name} is old; run scripts/data_needs.py MASCING")
        print(f"data_needs: {len(SIZES)} rows are up to date")
        return
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
