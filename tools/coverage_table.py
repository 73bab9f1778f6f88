#!/usr/bin/env python3
"""Prints which share of the lines of src/ ran, by room, from what gcovr says; writes the page of docs/ on request.

    tools/coverage_table.py SUMMARY.json [--page FILE --tests N --left-out REGEX]

The summary is that of `gcovr --json-summary` (scripts/coverage.sh). The exit status is 1 if the page was asked for and less
than 90 % of the lines ran.
"""
import argparse
import datetime
import json
import pathlib
import sys

BAR = 90.0  # per cent of the lines of src/
N_WORST = 10
LEAST_LINES = 30  # of a file among the worst


def room_of(name):
    parts = name.split("/")
    return "/".join(parts[:3 if parts[1:3] == ["host", "llama"] else 2])


def share(covered, total):
    return 100.0 * covered / max(total, 1)


def rows_of(files):
    rooms = {}
    for entry in files:
        covered, total = rooms.get(room_of(entry["filename"]), (0, 0))
        rooms[room_of(entry["filename"])] = covered + entry["line_covered"], total + entry["line_total"]
    sources = [counts for room, counts in rooms.items() if room.startswith("src/")]
    return sorted(rooms.items()) + [("src/ in all", tuple(map(sum, zip(*sources))))]


def page_of(files, rows, arguments):
    covered, total = rows[-1][1]
    worst = sorted((entry for entry in files if entry["line_total"] >= LEAST_LINES),
                   key=lambda entry: share(entry["line_covered"], entry["line_total"]))[:N_WORST]
    lines = ["# Coverage", "<!-- Written by scripts/coverage.sh (make coverage). -->",
             f"**{share(covered, total):.1f} %** of the {total:,} lines of src/ run in {arguments.tests} tests "
             f"({datetime.date.today().isoformat()}; the bar is {BAR:.0f} %).",
             f"Left out are tests that take minutes or look at no code of src/: `{arguments.left_out}`.", "",
             "| room | lines | run | share |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {room} | {all_lines:,} | {run:,} | {share(run, all_lines):.1f} % |" for room, (run, all_lines) in rows]
    lines += ["", f"The files of {LEAST_LINES} lines or more of which the least runs:", "", "| file | lines | share |",
              "| --- | ---: | ---: |"]
    lines += [f"| {entry['filename']} | {entry['line_total']} | {share(entry['line_covered'], entry['line_total']):.0f} % |"
              for entry in worst]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("summary", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--tests", default="?")
    parser.add_argument("--left-out", default="")
    arguments = parser.parse_args()
    files = json.loads(arguments.summary.read_text(encoding="utf-8"))["files"]
    if not files:
        sys.exit("coverage: error: gcovr found no file; were the tests built?")
    rows = rows_of(files)
    if arguments.page is None:
        print(f"{'room':18} {'lines':>8} {'covered':>8} {'share':>8}")
        for room, (covered, total) in rows:
            print(f"{room:18} {total:8} {covered:8} {share(covered, total):6.1f} %")
        return 0
    arguments.page.write_text(page_of(files, rows, arguments), encoding="utf-8")
    return 0 if share(*rows[-1][1]) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
