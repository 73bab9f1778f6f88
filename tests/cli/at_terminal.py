"""A program in a pseudo terminal of its own, and what a reader sees there (tools/pictures/terminal.py)."""
import fcntl
import os
import pathlib
import pty
import select
import struct
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/pictures"))
from terminal import Screen  # noqa: E402

UP, DOWN, LEFT, RIGHT, DELETE = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C", "\x1b[3~"


class Terminal:
    def __init__(self, command, columns=80, rows=60, variables=None):
        self.screen = Screen(rows, columns)
        self.raw = b""
        self.views = []  # the rows after each piece of output
        self.program, self.master = pty.fork()
        if self.program == 0:
            left_out = ("NO_COLOR", "MASCING_HISTORY")
            kept = {name: value for name, value in os.environ.items() if name not in left_out}
            os.execvpe(command[0], command, {**kept, "TERM": "xterm", **(variables or {})})
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.waiting = b""

    def rows(self):
        lines = ["".join(c for c, _ in row).rstrip() for row in self.screen.rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def text(self):
        return "\n".join(self.rows())

    def take(self, seconds):
        """True if something came. The output is fed in pieces that end with a character."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:
            piece = b""
        if not piece:
            raise EOFError
        self.raw += piece
        self.waiting += piece
        for n in range(4):
            try:
                text = self.waiting[:len(self.waiting) - n].decode()
            except UnicodeDecodeError:
                continue
            self.waiting = self.waiting[len(self.waiting) - n:] if n else b""
            self.screen.feed(text)
            break
        self.views.append(self.rows())
        return True

    def settle(self, seconds=0.3):
        try:
            while self.take(seconds):
                pass
        except EOFError:
            pass  # end() will tell how it ended

    def wait_for(self, is_there, seconds=120.0):
        """Until the rows satisfy a condition, or their last one begins with a text, and nothing more comes."""
        check = is_there if callable(is_there) else lambda rows: bool(rows) and rows[-1].startswith(is_there)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.take(0.2) and check(self.rows()):
                return
        raise AssertionError(f"not seen: {is_there}\n{self.text()}")

    def type(self, *keys):
        for key in keys:
            os.write(self.master, key.encode() if isinstance(key, str) else key)
            self.settle(0.1)

    def ask(self, line, prompt):
        """Types a line and waits for the next prompt."""
        n = len(self.rows())
        self.type(line + "\r")
        self.wait_for(lambda rows: len(rows) > n and rows[-1].rstrip() == prompt.rstrip())

    def is_cooked(self):
        flags = termios.tcgetattr(self.master)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    def end(self, seconds=60.0):
        """The exit code, or minus a signal."""
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.take(0.2)
        except EOFError:
            pass
        _, status = os.waitpid(self.program, 0)
        assert self.is_cooked(), "the terminal is left without echo"  # a shell would not show what is typed
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)
