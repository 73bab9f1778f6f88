"""A small terminal: takes what a program writes to one and keeps what a reader would see, with the colours of mascing."""
import re

COLOURS = {31: "red", 32: "green", 33: "yellow"}
SEQUENCE = re.compile(r"\x1b(?:\[([?>=]?)([0-9;]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78cDEHMNOZ])")


class Screen:
    """Rows of cells; a cell is (character, style), a style a sorted tuple of names."""

    def __init__(self, n_row, n_column):
        self.n_row, self.n_column = n_row, n_column
        self.rows = [self.empty() for _ in range(n_row)]
        self.row = self.column = 0
        self.style = ()
        self.waiting = ""
        self.inserts = False

    def empty(self):
        return [(" ", ())] * self.n_column

    def feed(self, text):
        text = self.waiting + text
        self.waiting = ""
        i = 0
        while i < len(text):
            if text[i] != "\x1b":
                self.put(text[i])
                i += 1
                continue
            match = SEQUENCE.match(text, i)
            if not match:
                if len(text) - i > 64:
                    raise ValueError(f"an unknown sequence: {text[i:i + 16]!r}")
                self.waiting = text[i:]  # its rest is still to come
                return
            if match[3] and not match[1]:
                self.obey(match[3], [int(word or 0) for word in match[2].split(";")])
            i = match.end()

    def line_feed(self):
        if self.row + 1 < self.n_row:
            self.row += 1
        else:
            self.rows = [*self.rows[1:], self.empty()]

    def put(self, c):
        if c == "\n":
            self.line_feed()
        elif c == "\r":
            self.column = 0
        elif c == "\b":
            self.column = max(0, self.column - 1)
        elif c == "\t":
            self.column = min(self.n_column - 1, self.column // 8 * 8 + 8)
        elif c >= " ":
            if self.column == self.n_column:
                self.column = 0
                self.line_feed()
            row = self.rows[self.row]
            if self.inserts:
                row.insert(self.column, (" ", ()))
                row.pop()
            row[self.column] = (c, self.style)
            self.column += 1

    def obey(self, name, numbers):
        n = max(1, numbers[0])
        row = self.rows[self.row]
        if name == "m":
            self.set_style(numbers)
        elif name in "AB":
            self.row = min(self.n_row - 1, max(0, self.row + (n if name == "B" else -n)))
        elif name in "CD":
            self.column = min(self.n_column - 1, max(0, self.column + (n if name == "C" else -n)))
        elif name == "G":
            self.column = min(self.n_column, n) - 1
        elif name == "H":
            self.row = min(self.n_row, n) - 1
            self.column = min(self.n_column, numbers[1] if len(numbers) > 1 else 1) - 1
        elif name in "JK":
            begin, end = {0: (self.column, self.n_column), 1: (0, self.column + 1), 2: (0, self.n_column)}[numbers[0]]
            row[begin:end] = self.empty()[begin:end]
            if name == "J" and numbers[0] in (0, 2):
                first = self.row + 1 if numbers[0] == 0 else 0
                self.rows[first:] = [self.empty() for _ in self.rows[first:]]
        elif name == "P":
            row[self.column:] = [*row[self.column + n:], *self.empty()[:n]][:self.n_column - self.column]
        elif name == "@":
            row[self.column:] = [*self.empty()[:n], *row[self.column:]][:self.n_column - self.column]
        elif name in "hl":
            self.inserts = name == "h" if numbers[0] == 4 else self.inserts
        elif name not in "rtn":
            raise ValueError(f"an unknown sequence: {name} {numbers}")

    def set_style(self, numbers):
        style = set(self.style)
        for number in numbers:
            if number == 0:
                style = set()
            elif number in (1, 4):
                style.add({1: "bold", 4: "underlined"}[number])
            elif number in COLOURS:
                style = (style - set(COLOURS.values())) | {COLOURS[number]}
        self.style = tuple(sorted(style))

    def runs(self, has_cursor):
        """For each row what is on it: (column, text, style), spaces at the end left out."""
        seen = []
        for i, cells in enumerate(self.rows):
            line = []
            for j, (c, style) in enumerate(cells):
                if has_cursor and (i, j) == (self.row, self.column):
                    style = (*style, "cursor")
                if line and line[-1][2] == style and line[-1][0] + len(line[-1][1]) == j:
                    line[-1] = (line[-1][0], line[-1][1] + c, style)
                elif c != " " or "cursor" in style:
                    line.append((j, c, style))
            kept = [(j, text if "cursor" in style else text.rstrip(" "), style) for j, text, style in line]
            seen.append(tuple(kept))
        return seen
