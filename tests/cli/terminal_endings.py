"""Ctrl-D, Ctrl-C and a signal from outside at the prompt: terminal_endings.py MASCING MODEL FOLDER"""
import os
import signal
import subprocess
import sys

from at_terminal import Terminal

mascing, model, work = sys.argv[1:]
chat = [mascing, "chat", "-m", model, "-t", "1", "--mask", f"{work}/mask.gguf"]


def open_chat():
    terminal = Terminal(chat, variables={"XDG_STATE_HOME": f"{work}/state-endings"})
    terminal.wait_for("you>")
    return terminal


terminal = open_chat()
assert not terminal.is_cooked(), "lines are not edited"
terminal.type("\x04")
got = terminal.end()
assert got == 0, got

terminal = open_chat()
terminal.type("unfinished", "\x04")  # not at the beginning of a line: no end
assert terminal.rows()[-1].startswith("you> unfinished"), terminal.text()
terminal.type("\x03")
got = terminal.end()
assert got == -signal.SIGINT, got

terminal = open_chat()
os.kill(terminal.program, signal.SIGTERM)
got = terminal.end()
assert got == 130, (got, terminal.text())
assert "stopped on request" in terminal.text(), terminal.text()

# Where lines cannot be edited, a signal is heard as well: at a prompt and at the questions of init.
terminal = Terminal(chat, variables={"TERM": "dumb"})
terminal.wait_for("you>")
assert terminal.is_cooked(), "lines are edited"
os.kill(terminal.program, signal.SIGTERM)
got = terminal.end(20)
assert got == 130, (got, terminal.text())

terminal = Terminal([mascing, "init", "-o", f"{work}/asked"])
terminal.wait_for("File of attacks")
terminal.type("\x03")
got = terminal.end(20)
assert got == 130, (got, terminal.text())
assert not os.path.exists(f"{work}/asked"), "a stopped init left its folder"

# An error and its hint fold at 80 columns, and stand on one line each where they are piped.
wrong = [mascing, "inspect", f"{work}/{'a-kingdom-far-away-' * 2}.gguf"]
terminal = Terminal(wrong, columns=120)
assert terminal.end() == 1, terminal.text()
rows = terminal.rows()
assert len(rows) > 2 and max(len(row) for row in rows) <= 80, terminal.text()
piped = subprocess.run(wrong, capture_output=True, text=True).stderr.splitlines()
assert len(piped) == 2 and max(len(line) for line in piped) > 80, piped
assert " ".join(row.strip() for row in rows) == " ".join(line.strip() for line in piped), terminal.text()
