"""Writes the table of docs/gradients.md (which models can be differentiated) from the rows that the gradient tests write.

python3 tools/gradients_table.py build/gradients docs/gradients.md [--check]
"""
import json
import pathlib
import sys

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"
MISSING = "no rule to differentiate "


def line(row):
    if row["error"]:
        operations = row["error"].split(MISSING)[1].split(", ")
        return f"| `{row['name']}` | no | | missing: {' '.join(f'`{name}`' for name in operations)} |"
    layers, without = row["layers"], row["without_swap"]
    # grovemoe chooses twice in each layer, so that there can be more places than layers
    swaps = "all layers" if without == 0 else f"not in {min(without, layers)} of {layers} layers"
    return f"| `{row['name']}` | {'yes' if row['passed'] else '**no**'} | {swaps} | |"


def table(rows):
    done = sum(not row["error"] and row["passed"] for row in rows)
    return "\n".join([f"{done} of {len(rows)} models:", "", "| model | exact gradient | swaps | |", "| --- | --- | --- | --- |",
                      *map(line, rows)])


def main():
    folder, page = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not rows:
        sys.exit(f"gradients_table: error: no rows in {folder}; run the gradient tests first")
    text = page.read_text()
    head, rest = text.split(BEGIN)
    new = f"{head}{BEGIN}\n{table(rows)}\n{END}{rest.split(END)[1]}"
    if "--check" in sys.argv and new != text:
        sys.exit(f"gradients_table: error: {page} is not what the tests found; run tools/gradients_table.py without --check")
    page.write_text(new)


if __name__ == "__main__":
    main()
