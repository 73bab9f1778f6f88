"""The menu of `mascing search`: terminal_menu.py MASCING MODEL FOLDER"""
import pathlib
import sys

from at_terminal import UP, Terminal

mascing, model, work = sys.argv[1:]
search = [mascing, "search", f"{work}/tiny.toml", "-m", model, "-t", "1", "-o", f"{work}/searched"]
state = pathlib.Path(work, "state-menu")


def open_menu():
    terminal = Terminal(search, variables={"XDG_STATE_HOME": str(state)})
    terminal.wait_for("search>")
    return terminal


# While it searches: one header for the whole of it above the stage, and never a torn line.
terminal = open_menu()
headers = [row for view in terminal.views for row in view if row.startswith("step ")]
assert headers and all(" left" in row for row in headers), set(headers)
assert all(sum(row.startswith("step ") for row in view) <= 1 for view in terminal.views)
terminal.ask("table", "search>")
terminal.type(UP)
assert terminal.rows()[-1] == "search> table", terminal.text()
terminal.type("\x15")

# The chat within has a history of its own, and the menu's is there again after it.
terminal.ask("chat 1", "you>")
terminal.type(UP)
assert terminal.rows()[-1] == "you>", terminal.text()
terminal.ask("/alpha", "you>")
terminal.ask("/quit", "search>")
terminal.type(UP)
assert terminal.rows()[-1] == "search> chat 1", terminal.text()
terminal.type("\x15")

# The question before the test is not a line of the menu.
terminal.type("test 1\r")
terminal.wait_for("Evaluate this one now? [y/N]")
terminal.type("no\r")
terminal.wait_for("search>")
assert "Not tested." in terminal.text()
terminal.type(UP)
assert terminal.rows()[-1] == "search> test 1", terminal.text()
terminal.type("\x15", "\x04")
assert terminal.end() == 0
assert not pathlib.Path(work, "searched/results.json").exists()
kept = (state / "mascing/search-history").read_text().splitlines()
assert kept == ["table", "chat 1", "test 1"], kept
assert (state / "mascing/chat-history").read_text().splitlines() == ["/alpha", "/quit"]

# Ctrl-C at the menu ends it.
terminal = open_menu()
terminal.type("\x03")
got = terminal.end()
assert got == 130, (got, terminal.text())
