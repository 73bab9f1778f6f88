#!/usr/bin/env python3
"""Fault campaign: real commands under faults of the machine, over and over; what survives, and what is lost. Standard library only.

    tools/faults/campaign.py build/bin/mascing models/demo [--trials 20] [--seed 0] [--only kill,disk] [--table docs/faults.md]

A trial *survives* if the command, broken off or refused and then repeated without the fault, ends with the very bytes of an
undisturbed run, leaves no temporary file behind, and every failure on the way was one error line with a hint and an exit code
from the manual. Everything else is *lost* and printed. Faults:

  kill     kill -9 at a random moment, up to three times in a row, then the same command again
  term     SIGTERM, SIGHUP or SIGINT at a random moment, then again
  disk     files may not grow beyond a random size (RLIMIT_FSIZE: writes fail as on a full disk), then again
  files    only 8 to 40 file descriptors, then again
  memory   the address space is limited to a random size, then again
  readonly the output folder cannot be written (as another user, where the campaign runs as root), then again
  places   the same command in folders whose names have spaces, quotes, newlines and UTF-8, under other locales
  pipe     nobody reads what it says: standard output and error are closed at their other ends (SIGPIPE), then again
  twice    the same command twice at once into one output: one may be refused, then again
  model    the model's file is shortened at a random moment, then put back and again
"""
import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FAULTS = ("kill", "term", "disk", "files", "memory", "readonly", "places", "pipe", "twice", "model")
CODES = {0, 1, 2, 3, 130}
NOBODY = 65534
ODD_NAMES = ("with space", "it's \"quoted\"", "two\nlines", "Schl\u00f6\u00dfer \u738b\u56fd", "-dash", "tab\there")
SCENARIO = """name = "tiny"
direction = "defend"
[[set]]
metric = "dsr"
role = "target"
data = ["attacks.jsonl"]
wanted = "refused"
[[set]]
metric = "direct_refusal"
role = "hold"
data = ["direct.jsonl"]
wanted = "refused"
max_drop = 0.5
[[set]]
metric = "benign_compliance"
role = "benign"
data = ["benign.jsonl"]
wanted = "answered"
max_drop = 0.5
[general]
text = "prose.txt"
[generate]
max_tokens = 8
[train]
epochs = 3
[search]
methods = ["closed_loop", "mean_difference"]
map_pairs = 64
loop_steps = 1
alphas = [1.0]
max_perplexity_rise = 1.0
"""


class Workshop:
    """Input files, and the commands on them: name -> (arguments, what they write)."""

    def __init__(self, program, demo, folder):
        self.program, self.folder = str(Path(program).resolve()), Path(folder)
        self.demo_model = Path(demo) / "kingdom-planted-f16.gguf"
        self.model = str(self.folder / "model.gguf")  # a copy: one fault shortens it
        self.put_model_back()
        self.write_inputs(Path(demo) / "data")
        self.commands = {
            "run": (["run", "scenario.toml", "-m", self.model, "-t", "1", "-o", "OUT"], "folder"),
            "collect": (["collect", "scripts.jsonl", "-m", self.model, "-t", "1", "--max-tokens", "12", "-o", "OUT"], "file"),
            "trace": (["trace", "labelled.jsonl", "-m", self.model, "-t", "1", "-o", "OUT"], "folder"),
            "train": (["train", "traces", "--epochs", "4", "-t", "1", "-o", "OUT"], "file"),
            "steer": (["steer", "traces", "--surrogate", "surrogate.safetensors", "--epochs", "20", "-t", "1", "-o", "OUT"], "file"),
            "eval": (["eval", "scenario.toml", "-m", self.model, "--mask", "mask.gguf", "-t", "1", "-o", "OUT"], "folder"),
            "export": (["export", "mask.gguf", "-m", self.model, "-t", "1", "--fit-tokens", "1000", "--to", "lora", "-o", "OUT"], "file"),
            "import": (["import", "attacks.jsonl", "-o", "OUT"], "file"),
        }
        self.make_inputs()

    def put_model_back(self):
        shutil.copyfile(self.demo_model, self.model + ".new")
        os.chmod(self.model + ".new", 0o644)
        os.replace(self.model + ".new", self.model)

    def write_inputs(self, data):
        def rows(name, split, n):
            lines = (data / f"{name}.jsonl").read_text().splitlines()
            return [line for line in lines if f'"split": "{split}"' in line][:n]

        for name, sizes in (("attacks", (40, 10, 60)), ("direct", (6, 4, 6)), ("benign", (6, 4, 6))):
            chosen = [line for split, n in zip(("discovery", "selection", "test"), sizes) for line in rows(name, split, n)]
            (self.folder / f"{name}.jsonl").write_text("\n".join(chosen) + "\n")
        labelled = [{**json.loads(line), "label": i % 2} for i, line in enumerate(rows("attacks", "discovery", 24))]
        (self.folder / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labelled))
        (self.folder / "scripts.jsonl").write_text("\n".join(rows("attacks", "discovery", 40)) + "\n")
        (self.folder / "prose.txt").write_text((data / "prose.txt").read_text()[:3000])
        (self.folder / "scenario.toml").write_text(SCENARIO)

    def make_inputs(self):
        for name, output in (("trace", "traces"), ("train", "surrogate.safetensors")):
            self.must(name, output)
        self.must("mask", "mask.gguf", ["steer", "traces", "--mean-difference", "4", "-o", "mask.gguf"])

    def must(self, name, output, arguments=None):
        done = self.start(arguments or self.line(name, output)).communicate()
        if done is None or not (self.folder / output).exists():
            sys.exit(f"campaign: error: {name} does not run here: {done}")

    def line(self, name, output):
        return [output if word == "OUT" else word for word in self.commands[name][0]]

    def start(self, arguments, prepare=None, env=None):
        return subprocess.Popen([self.program, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=prepare, env={**os.environ, **(env or {})})


def bytes_of(path):
    """What must be the same: every file, results.json and pages without clock and command."""
    found = {}
    paths = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in paths:
        name = str(file.relative_to(path)) if path.is_dir() else ""
        if name.split("/")[0] == "cache" or name in ("report.html", "run.json", "tested.json"):
            continue
        content = file.read_bytes()
        if name == "results.json":
            results = json.loads(content)
            results.pop("cost")
            results["tool"].pop("command")
            content = json.dumps(results, sort_keys=True).encode()
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def temporary_files(folder):
    return [str(p) for p in folder.rglob("*") if p.is_file() and (".tmp" in p.name or ".partial" in p.name)]


class Campaign:
    def __init__(self, workshop, rng, trials):
        self.shop, self.rng, self.trials = workshop, rng, trials
        self.rows, self.losses = [], []
        self.wholes = {}

    def whole(self, name):
        """Bytes and seconds of an undisturbed run."""
        if name not in self.wholes:
            output = f"whole-{name}"
            begin = time.monotonic()
            self.shop.must(name, output)
            self.wholes[name] = (bytes_of(self.shop.folder / output), time.monotonic() - begin)
        return self.wholes[name]

    def lose(self, fault, name, words):
        self.losses.append(f"{fault}, {name}: {words}")
        return False

    def is_said(self, fault, name, code, error):
        """A failure is one error line, a hint, and a code from the manual."""
        text = error.decode(errors="replace")
        if code == 0:
            return True
        if code not in CODES:
            return self.lose(fault, name, f"exit code {code}: {text[-300:]}")
        lines = [line for line in text.splitlines() if "mascing: error: " in line]
        if len(lines) != 1 or "hint: " not in text:
            return self.lose(fault, name, f"exit code {code} with {len(lines)} error lines: {text[-300:]}")
        return True

    def ends_whole(self, fault, name, output):
        process = self.shop.start(self.shop.line(name, output))
        _, error = process.communicate()
        if process.returncode != 0:
            return self.lose(fault, name, f"repeating it ends in {process.returncode}: {error.decode(errors='replace')[-300:]}")
        path = self.shop.folder / output
        if bytes_of(path) != self.whole(name)[0]:
            return self.lose(fault, name, "other bytes than an undisturbed run")
        left = temporary_files(path) if path.is_dir() else temporary_files(path.parent)
        return not left or self.lose(fault, name, f"left behind: {left[:3]}")

    def broken_off(self, fault, name, output, send):
        """True if it was still running when the signal came."""
        process = self.shop.start(self.shop.line(name, output))
        try:
            _, error = process.communicate(timeout=self.rng.random() * self.whole(name)[1])
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(send)
        _, error = process.communicate()
        if process.returncode != -send:  # a command that has nothing to save may simply end
            self.is_said(fault, name, process.returncode, error)
        return True

    def kill(self, name, output):
        hits = sum(self.broken_off("kill", name, output, signal.SIGKILL) for _ in range(self.rng.randint(1, 3)))
        return hits > 0, self.ends_whole("kill", name, output)

    def term(self, name, output):
        before = len(self.losses)
        hit = self.broken_off("term", name, output, self.rng.choice((signal.SIGTERM, signal.SIGHUP, signal.SIGINT)))
        return hit, self.ends_whole("term", name, output) and len(self.losses) == before

    def limited(self, fault, name, output, prepare):
        process = self.shop.start(self.shop.line(name, output), prepare)
        _, error = process.communicate()
        said = self.is_said(fault, name, process.returncode, error)
        return process.returncode != 0, self.ends_whole(fault, name, output) and said

    def disk(self, name, output):
        size = int(10 ** self.rng.uniform(1, 5.5))

        def prepare():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        return self.limited("disk", name, output, prepare)

    def files(self, name, output):
        n = self.rng.randint(8, 40)
        return self.limited("files", name, output, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))

    def memory(self, name, output):
        n = self.rng.randint(40, 700) * 2**20
        return self.limited("memory", name, output, lambda: resource.setrlimit(resource.RLIMIT_AS, (n, n)))

    def readonly(self, name, output):
        closed = self.shop.folder / f"closed-{output}"
        closed.mkdir(mode=0o555)
        prepare = (lambda: os.setuid(NOBODY)) if os.getuid() == 0 else None
        process = self.shop.start(self.shop.line(name, f"closed-{output}/x"), prepare)
        _, error = process.communicate()
        said = self.is_said("readonly", name, process.returncode, error)
        closed.chmod(0o755)
        return process.returncode != 0, self.ends_whole("readonly", name, f"closed-{output}/x") and said

    def places(self, name, output):
        place = f"{self.rng.choice(ODD_NAMES)} {output}"
        env = {"LC_ALL": self.rng.choice(("C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "no_such"))}
        process = self.shop.start(self.shop.line(name, f"./{place}"), env=env)
        _, error = process.communicate()
        if process.returncode != 0:
            return True, self.lose("places", name, f"{place!r} {env}: {error.decode(errors='replace')[-300:]}")
        same = bytes_of(self.shop.folder / place) == self.whole(name)[0]
        return True, same or self.lose("places", name, f"{place!r} {env}: other bytes")

    def pipe(self, name, output):
        process = self.shop.start(self.shop.line(name, output))
        process.stdout.close()
        process.stderr.close()
        code = process.wait()
        said = code in CODES or code == -signal.SIGPIPE or self.lose("pipe", name, f"exit code {code}")
        return code != 0, self.ends_whole("pipe", name, output) and said

    def twice(self, name, output):
        pair = [self.shop.start(self.shop.line(name, output)) for _ in range(2)]
        said = [process.communicate()[1] for process in pair]
        codes = [process.returncode for process in pair]
        well = all([self.is_said("twice", name, code, error) for code, error in zip(codes, said)])
        if 0 not in codes:
            well = self.lose("twice", name, f"neither came through: {codes}")
        return any(codes), self.ends_whole("twice", name, output) and well

    def model(self, name, output):
        seconds = self.whole(name)[1]
        process = self.shop.start(self.shop.line(name, output))
        try:
            _, error = process.communicate(timeout=self.rng.random() * seconds)
            return False, self.is_said("model", name, process.returncode, error)
        except subprocess.TimeoutExpired:
            os.truncate(self.shop.model, int(self.rng.random() * os.path.getsize(self.shop.model)))
        _, error = process.communicate()
        self.shop.put_model_back()
        said = self.is_said("model", name, process.returncode, error)
        return True, self.ends_whole("model", name, output) and said

    def run(self, fault):
        for name, (_, kind) in self.shop.commands.items():
            self.whole(name)
            tried = hit = survived = 0
            for i in range(self.trials):
                output = f"{fault}-{name}-{i}"
                struck, is_well = getattr(self, fault)(name, output)
                tried, hit, survived = tried + 1, hit + struck, survived + bool(is_well)
                for path in self.shop.folder.glob(f"*{output}*"):
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
            self.rows.append((fault, name, tried, hit, survived))
            print(f"{fault:9} {name:8} tried {tried:3}  struck {hit:3}  survived {survived:3}  lost {tried - survived:3}", flush=True)


def write_table(path, rows, arguments):
    lines = ["# Fault campaign", "",
             "Written by `tools/faults/campaign.py`; its first lines say what each fault is and when a trial survives. *Struck*: the command was",
             "still running, or failed under the fault; it was then repeated without it.", "",
             f"{arguments.trials} trials for each command and fault, seed {arguments.seed}.", "",
             "| fault | command | tried | struck | survived | lost |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {fault} | `{name}` | {tried} | {hit} | {survived} | {tried - survived} |" for fault, name, tried, hit, survived in rows]
    Path(path).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("demo", help="folder of the demo models")
    parser.add_argument("--trials", type=int, default=20, help="for each command and fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(FAULTS), help="faults, separated by commas")
    parser.add_argument("--table", help="write the outcome as Markdown")
    arguments = parser.parse_args()
    unknown = set(arguments.only.split(",")) - set(FAULTS)
    if unknown:
        parser.error(f"unknown fault {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        campaign = Campaign(Workshop(arguments.program, arguments.demo, folder), random.Random(arguments.seed), arguments.trials)
        for fault in arguments.only.split(","):
            campaign.run(fault)
    for loss in campaign.losses:
        print(f"LOST: {loss}", file=sys.stderr)
    if arguments.table:
        write_table(arguments.table, campaign.rows, arguments)
    sys.exit(1 if campaign.losses else 0)


if __name__ == "__main__":
    main()
