"""Ctrl-D, Ctrl-C and a signal from outside at the prompt: terminal_endings.py MASCING MODEL FOLDER"""
import os
import signal
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
