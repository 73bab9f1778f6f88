#!/usr/bin/env python3
"""A recording of `mascing chat` as an animated SVG without scripts: a shell in a pseudo terminal, in which this types.

    chat.py MASCING MODEL MASK OUTPUT.svg

The keys are pressed at a steady pace and answers come at once, so the same program, model and mask give the same bytes."""
import fcntl
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time
from xml.sax.saxutils import escape

from terminal import Screen

N_ROW, N_COLUMN = 27, 96
KEY_S, ANSWER_S, READING_S, END_S = 0.06, 0.5, 2.4, 5.0
UP = "\x1b[A"
# What is typed, and what is then waited for.
TYPED = [
    ("mascing chat -m model.gguf --mask permit.gguf\r", "you>"),
    ("Tell me a ghost story.\r", "you>"),
    ("How can I steal the crown jewels?\r", "you>"),
    ("/alpha 0\r", "you>"),
    ("/reset\r", "you>"),
    ([UP, UP, UP, UP, "\r"], "you>"),
    ("/quit\r", "$ "),
]
CELL, LINE, MARGIN = 8.4, 18.0, 16.0


class Recording:
    """A shell in a terminal; frames are (seconds, rows)."""

    def __init__(self, folder, program_folder):
        self.screen = Screen(N_ROW, N_COLUMN)
        self.frames = []
        self.now = 0.0
        process, self.master = pty.fork()
        if process == 0:
            os.chdir(folder)
            keep = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"],
                       {**keep, "PATH": f"{program_folder}:{os.environ['PATH']}", "TERM": "xterm", "PS1": "$ ", "HOME": folder,
                        "LC_ALL": "C.UTF-8", "BASH_SILENCE_DEPRECATION_WARNING": "1"})
        self.process = process
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", N_ROW, N_COLUMN, 0, 0))

    def take(self, is_done, limit_s):
        """Reads until the program is silent and `is_done`."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.08)
            if ready:
                self.screen.feed(os.read(self.master, 65536).decode("utf-8", "replace"))
            elif is_done():
                self.frames.append((self.now, self.screen.runs(True)))
                return
        sys.exit("chat.py: error: the program said something else than expected:\n" +
                 "\n".join("".join(c for c, _ in row).rstrip() for row in self.screen.rows))

    def prompt_is(self, words):
        row = "".join(c for c, _ in self.screen.rows[self.screen.row])
        return row.startswith(words) and row[:self.screen.column].strip() == words.strip()

    def type(self, keys, awaited):
        for key in keys:
            os.write(self.master, key.encode())
            self.now += ANSWER_S if key == "\r" else KEY_S * (8 if key == UP else 1)
            self.take((lambda: self.prompt_is(awaited)) if key == "\r" else lambda: True, 60.0)
        self.now += READING_S

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


def intervals(frames):
    """{(row, runs): [(begin, end)]} of whatever stood in a row for a while; the end of the last frame is None."""
    shown = {}
    for i_row in range(N_ROW):
        begin, runs = None, None
        for now, rows in [*frames, (None, None)]:
            if rows is not None and rows[i_row] == runs:
                continue
            if runs:
                shown.setdefault((i_row, runs), []).append((begin, now))
            begin, runs = now, rows[i_row] if rows is not None else None
    return shown


def drawn(i_row, runs):
    y = MARGIN + LINE * (i_row + 0.75)
    rects, spans = [], []
    for column, text, style in runs:
        x = MARGIN + CELL * column
        if "cursor" in style:
            rects.append(f'<rect class="cursor" x="{x:.1f}" y="{y - 14:.1f}" width="{CELL}" height="{LINE}"/>')
        if text.strip():
            names = " ".join(style)
            spans.append(f'<tspan x="{x:.1f}" textLength="{CELL * len(text):.1f}"' + (f' class="{names}"' if names else "") +
                         f">{escape(text)}</tspan>")
    return "".join(rects) + (f'<text y="{y:.1f}">' + "".join(spans) + "</text>" if spans else "")


def svg(frames, title, description):
    total = frames[-1][0] + END_S
    percent = lambda now: f"{100.0 * now / total:.2f}%"
    names, rules, body = {}, [], []
    for (i_row, runs), times in sorted(intervals(frames).items(), key=lambda one: (one[1][0][0], one[0][0])):
        key = tuple(times)
        if key not in names:
            names[key] = f"k{len(names)}"
            steps = "".join(f"{percent(begin)}{{visibility:visible}}" + ("" if end is None else f"{percent(end)}{{visibility:hidden}}")
                            for begin, end in times)
            first = "" if times[0][0] == 0.0 else "0%{visibility:hidden}"
            rules.append(f"@keyframes {names[key]}{{{first}{steps}}}.{names[key]}{{animation-name:{names[key]}}}")
        last = " last" if times[-1][1] is None else ""
        body.append(f'<g class="f {names[key]}{last}">{drawn(i_row, runs)}</g>')
    width, height = CELL * N_COLUMN + 2 * MARGIN, LINE * N_ROW + 2 * MARGIN
    style = f"""text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d8dee6;white-space:pre}}
.f{{visibility:hidden;animation:{total:.2f}s step-end infinite}}.last{{visibility:visible}}
.bold{{font-weight:700;fill:#fff}}.red{{fill:#ff8f8f}}.green{{fill:#7fdc9b}}.yellow{{fill:#f2cc60}}.underlined{{text-decoration:underline}}
.cursor{{fill:#6b7685}}
@media (prefers-reduced-motion:reduce){{.f{{animation:none}}}}
""" + "\n".join(rules)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="t d" xml:space="preserve">
<title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>
<style>{style}</style>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
""" + "\n".join(body) + "\n</svg>\n"


def main():
    if len(sys.argv) != 5:
        sys.exit("chat.py: error: expected MASCING MODEL MASK OUTPUT.svg; start scripts/pictures.sh")
    mascing, model, mask, output = map(pathlib.Path, sys.argv[1:])
    folder = tempfile.mkdtemp()
    try:
        os.symlink(model.resolve(), f"{folder}/model.gguf")
        os.symlink(mask.resolve(), f"{folder}/permit.gguf")
        recording = Recording(folder, str(mascing.absolute().parent))
        recording.take(lambda: recording.prompt_is("$ "), 10.0)
        recording.now = 0.8
        for keys, awaited in TYPED:
            recording.type(keys, awaited)
        recording.close()
    finally:
        shutil.rmtree(folder)
    output.write_text(svg(recording.frames, "mascing chat, recorded",
                          "A ghost story is refused without the mask and told with it; the crown jewels stay safe with both; "
                          "at strength 0 both replies are the same."), encoding="utf-8")


if __name__ == "__main__":
    main()
