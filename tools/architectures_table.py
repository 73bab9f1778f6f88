"""The support table of docs/architectures.md from the rows that the conformance tests leave.

python3 tools/architectures_table.py build/zoo docs/architectures.md [--check]
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
        notes.append("diffusion: prompts in one piece only")
    if row["one_at_a_time"]:
        notes.append("one sequence at a time")
    choice = [name for key, name in (("selection_bias", "bias"), ("groups", "groups")) if row[key]]
    return (f"| `{row['name']}` | {ranges(row['blocks'])} of {row['n_block']} | "
            f"{row['gating']} | {'yes' if row['router_bias'] else ''} | {', '.join(choice)} | "
            f"{row['shared'] or ''} | "
            f"{'yes' if row['passed'] else '**no**'} | {'; '.join(notes)} |")


def main():
    rows = [json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).glob("*.json")]
    rows.sort(key=lambda row: row["name"])
    table = "\n".join([BEGIN, "| model | MoE blocks | gating | router bias | choice also by | shared experts | passed | notes |",
                       "| --- | --- | --- | --- | --- | --- | --- | --- |", *map(line, rows), END])
    document = pathlib.Path(sys.argv[2])
    text = document.read_text()
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    new = text[:begin] + table + text[end:]
    if "--check" in sys.argv:
        if new != text:
            sys.exit(f"{document} is not what this run gives: run scripts/architectures.sh")
    else:
        document.write_text(new)


main()
