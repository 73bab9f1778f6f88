#!/usr/bin/env python3
"""Runs every fuzz target under libFuzzer and writes a table from what it says.

    tools/fuzz_table.py BUILD --minutes N [--jobs J] [--table FILE] [TARGET...]

The minutes are of the processor, of all targets together, in equal shares. Corpora stay in BUILD/corpus, so that a later
run goes on from there; they begin with each target's own seeds and with files of the repository that its reader takes. The
figures of all runs add up in BUILD/fuzz-figures.json. A finding is kept in BUILD/findings; the exit status is then 1.
"""
import argparse
import concurrent.futures
import datetime
import json
import math
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOUND = ROOT / "fuzz" / "found.md"  # kept by hand: findings and the tests that keep them away
MOST_BYTES = 1 << 16  # of a file that joins a corpus
# What each target reads, and the files of the repository that join its seeds, with the byte that its target puts first.
TARGETS = {
    "adapters": ("LoRA adapters in GGUF, PEFT's", "", []),
    "candidates": ("a run's folder: surrogates, validations, masks, cache", "", []),
    "csv": ("CSV data sets", "", ["tests/format/fixtures/import/*.csv"]),
    "gguf": ("GGUF: models' headers, masks", "", []),
    "hf": ("Hugging Face folders: index and shards", "", []),
    "http": ("a judge's server: status, headers, bodies", "", []),
    "journal": ("journals of collections, known exchanges, labelled replies", "", []),
    "jsonl": ("JSON and JSON Lines: conversations, questions, data sets", "",
              ["tests/format/fixtures/import/*.json*", "models/demo/data/facts.jsonl"]),
    "replies": ("replies: reasoning marks, judges' answers", "", []),
    "results": ("results.json and transcripts, report, table", "", []),
    "safetensors": ("safetensors", "", []),
    "surrogate": ("surrogates", "", []),
    "toml": ("scenarios", "", ["scenarios/*/*.toml"]),
    "traces": ("trace stores", "", []),
}


def prepare(build, target):
    corpus = build / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    program = build / "bin" / f"fuzz_{target}"
    subprocess.run([program], env={**os.environ, "MASCING_FUZZ_SEEDS": str(corpus)}, check=True)
    _, first, patterns = TARGETS[target]
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        data = path.read_bytes()
        if len(data) <= MOST_BYTES:
            (corpus / f"file-{path.parent.name}-{path.name}").write_bytes(first.encode() + data)
    return program, corpus


def once(build, target, seconds):
    """One run of at most `seconds` on the clock: exit status, processor time, and what libFuzzer says."""
    program, corpus = prepare(build, target)
    log = build / f"fuzz-{target}.log"
    environment = {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_leaks=0"}
    if os.access("/dev/shm", os.W_OK):
        environment["TMPDIR"] = "/dev/shm"  # a write that is synchronised does not wait there
    with open(log, "wb") as out:
        # An input that takes ten seconds is a hang; a single allocation of 2 GB means that a size was not checked.
        child = subprocess.Popen([program, f"-max_total_time={seconds}", "-timeout=10", "-malloc_limit_mb=2048",
                                  "-rss_limit_mb=4096", f"-max_len={MOST_BYTES}", "-print_final_stats=1",
                                  f"-dict={corpus}.dict", f"-artifact_prefix={build}/findings/{target}-", corpus],
                                 stdout=out, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(encoding="utf-8", errors="replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)
    if executed is None or not covered:
        sys.exit(f"fuzz: error: {target} did not run, see {log}")
    return child.returncode, usage.ru_utime + usage.ru_stime, int(executed[1]), [int(x) for x in covered[-1]]


def run(build, target, seconds):
    (build / "findings").mkdir(exist_ok=True)
    row = {"target": target, "executions": 0, "seconds": 0.0, "code": 0}
    while row["seconds"] < seconds and row["code"] == 0:
        code, used, executions, (edges, features, corpus) = once(build, target, math.ceil(seconds - row["seconds"]))
        row.update(executions=row["executions"] + executions, seconds=row["seconds"] + used, code=code,
                   edges=edges, features=features, corpus=corpus)
    row["findings"] = len(list((build / "findings").glob(f"{target}-*")))
    return row


def add_up(build, rows):
    """Executions and seconds of earlier runs are added to this one's; returns all rows there are."""
    path = build / "fuzz-figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    for row in rows:
        earlier = figures.get(row["target"], {"executions": 0, "seconds": 0.0})
        figures[row["target"]] = {**row, "executions": row["executions"] + earlier["executions"],
                                  "seconds": row["seconds"] + earlier["seconds"],
                                  "findings": max(row["findings"], earlier.get("findings", 0))}  # also of a folder that was tidied
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return [figures[target] for target in sorted(figures)]


def page(rows):
    version = subprocess.run(["clang", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0]
    lines = ["# Fuzzing", "<!-- Written by tools/fuzz_table.py (make fuzz). -->",
             "Every reader of files and texts that come from elsewhere has a target in [fuzz/](../fuzz). They run under libFuzzer with",
             "the address and undefined-behaviour sanitizers in our own code. A finding is a crash, a report of a sanitizer, an exception",
             "that is not ours, ten seconds for one input, or an allocation of 2 GB. Seconds are of the processor.", "",
             "| target | reads | executions | seconds | edges | features | corpus | findings |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in rows:
        lines.append(f"| `fuzz_{row['target']}` | {TARGETS[row['target']][0]} | {row['executions']:,} | {row['seconds']:.0f} | "
                     f"{row['edges']:,} | {row['features']:,} | {row['corpus']:,} | {row['findings']} |")
    total = sum(row["seconds"] for row in rows)
    lines += ["", f"In all {sum(row['executions'] for row in rows):,} executions in {total / 60:.0f} minutes of the processor, "
              f"{sum(row['findings'] for row in rows)} findings ({version}, {datetime.date.today().isoformat()}).", "",
              "`make fuzz MINUTES=60` runs them again; the corpora of earlier runs are kept in `build-fuzz/corpus`. Without clang, "
              "`scripts/fuzz.sh`", "runs the same targets with a driver of our own, as CTest does for two seconds each.", "",
              "## What was found", FOUND.read_text(encoding="utf-8").rstrip(), ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("targets", nargs="*", default=[])
    arguments = parser.parse_args()
    targets = arguments.targets or sorted(TARGETS)
    build = arguments.build.resolve()
    seconds = arguments.minutes * 60 / len(targets)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        rows = []
        for row in pool.map(lambda target: run(build, target, seconds), targets):
            rows.append(row)
            figures = add_up(build, [row])  # of each target as it ends: a run that is killed keeps them
    text = page(figures)
    print(text)
    if arguments.table:
        arguments.table.write_text(text, encoding="utf-8")
    return 1 if any(row["findings"] or row["code"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
