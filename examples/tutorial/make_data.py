#!/usr/bin/env python3
"""The tutorial's data (docs/tutorial.md): fairy tales in CSV files with the columns of public data sets.

    examples/tutorial/make_data.py FOLDER

* attacks.csv: the columns of MHJ, user turns only. Real work starts from a download of such a file.
* direct.csv: the columns of AdvBench.
* benign.csv: the columns of XSTest.
* prose.txt: plain text.

The rows are those of models/demo/data.
"""
import csv
import json
import shutil
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "models/demo/data"
N_ATTACK = 480
N_OTHER = 160


def rows_of(name):
    with open(DATA / f"{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def user_turns(row):
    return [message["content"] for message in row["messages"] if message["role"] == "user"]


def spread(rows, n):
    """n rows from the whole file, so that all topics stay."""
    return [rows[i * len(rows) // n] for i in range(n)]


def write(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    attacks = spread(rows_of("attacks"), N_ATTACK)
    n_turn = max(len(user_turns(row)) for row in attacks)
    write(folder / "attacks.csv", ["question_id", "tactic", "Source"] + [f"message_{i}" for i in range(n_turn)],
          [[row["topic"], row["tactic"], "kingdom"] + (user_turns(row) + [""] * n_turn)[:n_turn] for row in attacks])
    direct = spread([row for row in rows_of("direct") if len(user_turns(row)) == 1], N_OTHER)
    write(folder / "direct.csv", ["goal", "target"], [[user_turns(row)[0], "Of course"] for row in direct])
    benign = spread([row for row in rows_of("benign") if len(user_turns(row)) == 1], N_OTHER)
    write(folder / "benign.csv", ["prompt", "type", "label", "focus"],
          [[user_turns(row)[0], row["tactic"], "safe", row["topic"]] for row in benign])
    shutil.copy(DATA / "prose.txt", folder / "prose.txt")


if __name__ == "__main__":
    main()
