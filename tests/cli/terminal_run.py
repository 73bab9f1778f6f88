"""Progress of `mascing run`, and its question before the test: terminal_run.py MASCING MODEL FOLDER"""
import pathlib
import re
import subprocess
import sys

from at_terminal import Terminal

mascing, model, work = sys.argv[1:]
output = pathlib.Path(work, "asked")
run = [mascing, "run", f"{work}/tiny.toml", "-m", model, "-t", "1", "-o"]
header = re.compile(r"step (\d) of 5: [a-z ]+, about \d+ (s|min) left")
question = "Evaluate this one now? [y/N]"


def steps_of(rows):
    return [int(header.fullmatch(row)[1]) for row in rows if row.startswith("step ")]


def is_asked(rows):
    return bool(rows) and rows[-1].startswith(question)


# One header at a time, above its stage, both within 80 columns; the steps come in order.
terminal = Terminal([*run, str(output)])
terminal.wait_for(is_asked)
seen = []
for view in terminal.views:
    rows = [row for row in view if row.startswith("step ")]
    assert len(rows) <= 1, view
    if rows and header.fullmatch(rows[0]):
        i = view.index(rows[0])
        assert len(view) <= i + 2, view  # nothing but its stage below
        seen += steps_of(rows)
assert seen == sorted(seen) and set(seen) >= {1, 3, 4}, seen
assert not any(row.startswith("step ") for row in terminal.rows()), terminal.text()
assert "You will be asked before the test" in terminal.text()
assert re.search(r"chosen trial: [a-z ]+ alpha [0-9.]+, DSR [0-9.]+", terminal.text()), terminal.text()

# "No" ends the run with what it has; "yes" tests. What is tested already is not asked about.
terminal.type("n\r")
assert terminal.end() == 130, terminal.text()
assert "ended before the test" in terminal.text()
assert not (output / "results.json").exists() and not (output / "tested.json").exists()
terminal = Terminal([*run, str(output)])
terminal.wait_for(is_asked)
terminal.type("y\r")
assert terminal.end() == 0, terminal.text()
assert (output / "mask.gguf").exists()
(output / "run.json").unlink()  # as if it had been interrupted within the test
terminal = Terminal([*run, str(output)])
assert terminal.end() == 0, terminal.text()
assert question not in terminal.text()
terminal = Terminal([*run, str(output)])
assert terminal.end() == 0 and question not in terminal.text(), terminal.text()
assert max(len(row) for row in terminal.rows()) <= 80

# --yes; and a narrow terminal, whose lines are cut and not folded.
terminal = Terminal([*run, f"{work}/agreed", "--yes"], columns=30)
assert terminal.end() == 0 and question not in terminal.raw.decode(), terminal.text()
for view in terminal.views:
    assert sum(row.startswith("step ") for row in view) <= 1, view

# Piped: each step once, line by line, without control sequences. -q: none of it.
done = subprocess.run([*run, f"{work}/piped"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
lines = done.stderr.splitlines()
assert "\x1b" not in done.stderr and "\r" not in done.stderr and question not in done.stderr
assert steps_of(lines) == [1, 2, 3, 4, 5], lines
done = subprocess.run([*run, f"{work}/quiet", "-q"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
assert "step " not in done.stderr and "left" not in done.stderr, done.stderr
