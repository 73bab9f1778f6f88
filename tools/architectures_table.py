"""Writes the support tables of docs/architectures.md (one row per model) and README.md (grouped by what a mask can do)
from the rows that the conformance tests write.

python3 tools/architectures_table.py build/zoo docs/architectures.md README.md [--check]
"""
import json
import pathlib
import sys

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


def ranges(blocks):
    parts = []
    for block in blocks:
        if parts and parts[-1][1] == block - 1:
            parts[-1][1] = block
        else:
            parts.append([block, block])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def line(row):
    notes = []
    if row["chosen_by_token"]:
        notes.append(f"blocks {ranges(row['chosen_by_token'])}: the token decides, a mask moves the weights only")
    if not row["forced"]:
        notes.append("a push cannot always force an expert")
    if not row["pieces"]:
        notes.append("diffusion: traces only, prompts in one piece")
    if row["one_at_a_time"]:
        notes.append("one sequence at a time")
    choice = [name for key, name in (("selection_bias", "bias"), ("groups", "groups")) if row[key]]
    return (f"| `{row['name']}` | {ranges(row['blocks'])} of {row['n_block']} | "
            f"{row['gating']} | {'yes' if row['router_bias'] else ''} | {', '.join(choice)} | "
            f"{row['shared'] or ''} | "
            f"{'yes' if row['passed'] else '**no**'} | {'; '.join(notes)} |")


def full_table(rows):
    return "\n".join(["| model | MoE blocks | gating | router bias | choice also by | shared experts | passed | notes |",
                      "| --- | --- | --- | --- | --- | --- | --- | --- |", *map(line, rows)])


KINDS = {"exact": "traced and steered, every expert banned or forced",
         "soft": "traced and steered; a selection bias or groups have the last word",
         "token": "the token decides in some layers"}


def kind(row):
    return "token" if row["chosen_by_token"] else "exact" if row["forced"] else "soft"


def short_table(rows):
    """One row for each thing that a mask can or cannot do."""
    lines = ["| every router | architectures of llama.cpp v0.5.0 |", "| --- | --- |"]
    for key, meaning in KINDS.items():
        names = [f"`{row['name']}`" + (" (1)" if row["one_at_a_time"] else "") for row in rows if kind(row) == key]
        lines += [f"| {meaning} | {' '.join(names)} |"] if names else []
    return "\n".join(lines)


def main():
    rows = [json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).glob("*.json")]
    if not rows:
        sys.exit(f"architectures_table: error: no rows in {sys.argv[1]}; run scripts/architectures.sh")
    rows.sort(key=lambda row: row["name"])
    for path, table in ((sys.argv[2], full_table(rows)), (sys.argv[3], short_table([r for r in rows if r["passed"]]))):
        document = pathlib.Path(path)
        text = document.read_text()
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        new = text[:begin] + "\n" + table + "\n" + text[end:]
        if "--check" in sys.argv:
            if new != text:
                sys.exit(f"{document} is not what this run gives: run scripts/architectures.sh")
        else:
            document.write_text(new)


main()
