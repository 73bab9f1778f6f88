"""The file of typed lines: terminal_history.py MASCING MODEL FOLDER"""
import os
import pathlib
import subprocess
import sys

from at_terminal import UP, Terminal

mascing, model, work = sys.argv[1:]
chat = [mascing, "chat", "-m", model, "-t", "1", "--max-tokens", "2", "--mask", f"{work}/mask.gguf"]
state = pathlib.Path(work, "state")
file = state / "mascing/chat-history"
variables = {"XDG_STATE_HOME": str(state)}


def talk(*lines, options=(), more=None):
    terminal = Terminal([*chat, *options], variables={**variables, **(more or {})})
    terminal.wait_for("you>")
    for line in lines:
        if line == UP:
            terminal.type(UP)
        else:
            terminal.ask(line, "you>")
    last = terminal.rows()[-1]
    terminal.type("\x15", "/quit\r")
    assert terminal.end() == 0, terminal.text()
    return last, terminal


# Switched off, and without a terminal, there is no file.
talk("/alpha 1", options=["--no-history"])
talk("/alpha 1", more={"MASCING_HISTORY": "off"})
subprocess.run(chat, input="/alpha 1\n", capture_output=True, text=True, check=True, env={**os.environ, **variables})
assert not state.exists(), list(state.rglob("*"))

# For its owner only, whatever the umask; a line that begins with a space is not kept, nor is one twice in a row.
before = os.umask(0)
talk("/alpha 0.5", "/alpha 0.5", " /alpha 0.25")
os.umask(before)
assert file.read_text().splitlines() == ["/alpha 0.5", "/quit"], file.read_text()
assert file.stat().st_mode & 0o777 == 0o600
os.chmod(file, 0o644)
last, _ = talk(UP, UP)
assert last == "you> /alpha 0.5", last
assert file.stat().st_mode & 0o777 == 0o600, "a file that others could read stays so"

# What could steer the terminal, or is no UTF-8, is not taken from the file.
file.write_bytes(b"/alpha 0.75\n\x1b]0;title\x07\n\xff\xfe\n")
last, terminal = talk(UP)
assert last == "you> /alpha 0.75", last
assert b"\x1b]0" not in terminal.raw, terminal.raw

# A long file is cut to its last thousand lines.
file.write_text("".join(f"/alpha 0.{n:04}\n" for n in range(1, 3001)))
last, _ = talk(UP)
assert last == "you> /alpha 0.3000", last
kept = file.read_text().splitlines()
assert kept[0] == "/alpha 0.2001" and kept[-1] == "/quit" and len(kept) == 1001, (len(kept), kept[0])

# Two at once: both keep their lines.
first, second = (Terminal(chat, variables=variables) for _ in range(2))
for terminal, line in ((first, "/alpha 0.1"), (second, "/alpha 0.2"), (first, "/alpha 0.3")):
    terminal.wait_for("you>")
    terminal.ask(line, "you>")
for terminal in (first, second):
    terminal.type("\x04")
    assert terminal.end() == 0
assert file.read_text().splitlines()[-3:] == ["/alpha 0.1", "/alpha 0.2", "/alpha 0.3"]

# Where it cannot be written the chat says so once, and goes on.
_, terminal = talk("/alpha 0.5", "/alpha 0.6", more={"XDG_STATE_HOME": "/dev/null/state"})
assert terminal.raw.count(b"[history_not_kept]") == 1, terminal.text()
