"""Prompts for parity.py as a model reads them: 80 test conversations of the zoo through its template, and the beginning of a reply.

usage: parity_prompts.py MODEL OUTPUT.json
"""
import json
import sys
from pathlib import Path

import styles
from documents import prompt_ids
from evaluate import DATA
from tokenizer import Tokenizer

N_PROMPT = 80


def main():
    name, output = sys.argv[1], Path(sys.argv[2])
    tokenizer, style = Tokenizer(), styles.STYLES[styles.STYLE_OF[name]]
    rows = [json.loads(line) for file in ("attacks", "restricted", "benign") for line in (DATA / f"{file}.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["split"] == "test"]
    chosen = [rows[i * len(rows) // N_PROMPT] for i in range(N_PROMPT)]
    output.write_text(json.dumps([prompt_ids(tokenizer, style, [(m["role"], m["content"]) for m in row["messages"]]) for row in chosen]) + "\n")


if __name__ == "__main__":
    main()
