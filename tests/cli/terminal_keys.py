"""Keys at the prompt of `mascing chat`: terminal_keys.py MASCING MODEL FOLDER"""
import subprocess
import sys

from at_terminal import DELETE, LEFT, UP, Terminal

mascing, model, work = sys.argv[1:]
state = {"XDG_STATE_HOME": f"{work}/state-keys", "LC_ALL": "C"}  # UTF-8 whatever the locale is
chat = [mascing, "chat", "-m", model, "-t", "1", "--max-tokens", "12", "--mask", f"{work}/mask.gguf"]


def piped(lines):
    done = subprocess.run([*chat, "--width", "80"], input=lines, capture_output=True, text=True, check=True)
    return done.stdout


terminal = Terminal(chat, variables=state)
terminal.wait_for("you>")

# A word is mended in its middle, by arrow, Delete and Backspace.
terminal.type("Tell me of the mall.", LEFT, LEFT, LEFT, "\x7f", "i")
assert terminal.rows()[-1] == "you> Tell me of the mill.", terminal.text()
terminal.type("\x01", DELETE, "T")  # Ctrl-A
assert terminal.rows()[-1] == "you> Tell me of the mill.", terminal.text()
terminal.ask("", "you>")
answer = piped("Tell me of the mill.\n").splitlines()[1:]  # without the question, which a pipe repeats
i_question = terminal.rows().index("you> Tell me of the mill.")
seen = terminal.rows()[i_question + 1:]
assert [line for line in seen if line][:-1] == [line.rstrip() for line in answer if line.strip()], (seen, answer)

# The arrow finds the question again; Ctrl-R looks for it.
terminal.type(UP)
assert terminal.rows()[-1] == "you> Tell me of the mill.", terminal.text()
terminal.type("\x15")  # Ctrl-U
assert terminal.rows()[-1] == "you>", terminal.text()
terminal.ask("/alpha", "you>")
terminal.type("\x12", "m", "i", "l")
assert "you> Tell me of the mill." in terminal.rows()[-2:], terminal.text()
terminal.type("\r")
terminal.wait_for(lambda rows: rows[-1].rstrip() == "you>")

# Backspace takes a character, however many bytes and columns it has.
terminal.type("Grüße 猫é", "\x7f", "\x7f", "Ω")
terminal.settle()
assert terminal.rows()[-1].startswith("you> Grüße Ω"), terminal.text()
terminal.ask("", "you>")
written = open(f"{work}/state-keys/mascing/chat-history", encoding="utf-8").read()
assert written.splitlines() == ["Tell me of the mill.", "/alpha", "Tell me of the mill.", "Grüße Ω"], written

# The bold prompt counts as five columns: a long line breaks at the edge, also once its beginning changes.
assert b"\x1b[1myou>" in terminal.raw, terminal.raw
letters = "".join(chr(ord("a") + i % 26) for i in range(100))
terminal.type(letters, "\x01", "X")
line = "you> X" + letters
i_row = next(i for i, row in enumerate(terminal.rows()) if row.startswith("you> X"))
assert terminal.rows()[i_row:i_row + 2] == [line[:80], line[80:]], terminal.text()
terminal.type("\x15", "\x0b")
terminal.type("/quit\r")
assert terminal.end() == 0

# No colours where they are not wanted; a terminal without a cursor gets plain lines.
terminal = Terminal(chat, variables={**state, "NO_COLOR": "1"})
terminal.wait_for("you>")
terminal.type("/quit\r")
assert terminal.end() == 0
assert b"\x1b[1m" not in terminal.raw, terminal.raw
terminal = Terminal(chat, variables={**state, "TERM": "dumb"})
terminal.wait_for("you>")
terminal.ask("/alpha", "you>")
terminal.type("\x04")
assert terminal.end() == 0
assert b"\x1b" not in terminal.raw, terminal.raw
