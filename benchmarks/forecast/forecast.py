#!/usr/bin/env python3
"""Forecast against measured, stage by stage: forecast.py MASCING SCENARIO MODEL... [--steps N] [--threads N] [--reasoning MODE] [--keep FOLDER]
[--processor-clock] [--records FOLDER [--baselines]] [--option "--samples 0"]

For each model: `mascing run --dry-run --json`, then the run itself, into a temporary folder or into FOLDER/MODEL/SCENARIO. On a machine that does other
things as well, wall time says little, so both sides are given in processor time: seconds times the process's share of the
processor while it ran. A ratio above 1 means that the run took longer than forecast.

With --records, nothing is run: FOLDER/MODEL-SCENARIO.json, what tools/zoo_table.py kept of an earlier run, stands beside the forecast,
a row of a table for each model. Runs that took most from a cache are left out, and named. Their seconds are those of the clock on the wall.
With --baselines as well it is the stage of the baselines, of FOLDER/MODEL-SCENARIO-baselines.json.
"""
import argparse
import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time


def resident(pid):
    """Bytes in memory of a process: all of them, and those that are not pages of files."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = dict(line.split(":", 1) for line in file if line.startswith(("VmRSS", "RssAnon")))
        return [1024 * int(found[name].split()[0]) for name in ("VmRSS", "RssAnon")]
    except (OSError, KeyError):
        return [0, 0]


def timed(command, environment):
    """Output of a command, its wall seconds, its processor seconds and its largest memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, text=True, env={**os.environ, **environment})
        largest = [0, 0]
        while child.poll() is None:
            largest = [max(a, b) for a, b in zip(largest, resident(child.pid))]
            time.sleep(0.2)
        wall = time.time() - start
        out.seek(0)
        err.seek(0)
        done = subprocess.CompletedProcess(command, child.returncode, out.read(), err.read())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, largest


def processor_clock(folder):
    """The environment in which a program's clock tells its processor time."""
    library = os.path.join(folder, "processor_clock.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "processor_clock.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    return {"LD_PRELOAD": library}


def shortened(scenario, steps, folder):
    """A copy of the scenario with fewer steps of the closed loop; paths that climb become absolute."""
    if steps is None:
        return scenario
    text = re.sub(r"(?m)^loop_steps.*", f"loop_steps = {steps}", open(scenario).read())
    home = os.path.dirname(os.path.abspath(scenario))
    copy = os.path.join(folder, "scenario.toml")
    with open(copy, "w") as file:
        file.write(text.replace('"../', f'"{home}/../'))
    return copy


def compare(arguments, scenario, model, folder, environment):
    options = ["-t", str(arguments.threads), "--reasoning", arguments.reasoning, *shlex.split(arguments.option)]
    name = os.path.splitext(os.path.basename(model))[0]
    forecast, share = forecast_of(arguments, scenario, model, environment)
    output = os.path.join(folder, name, os.path.splitext(os.path.basename(arguments.scenario))[0])
    if os.path.exists(output):
        sys.exit(f"{name}: {output} is there already: a run that resumes measures nothing")
    os.makedirs(os.path.dirname(output), exist_ok=True)
    done, wall, cpu, largest = timed([arguments.mascing, "run", scenario, "-m", model, *options, "-q", "--yes", "-o", output],
                                     environment)
    if not os.path.exists(os.path.join(output, "results.json")):
        sys.exit(f"{name}: the run wrote no results:\n{done.stderr}")
    cost = json.load(open(os.path.join(output, "results.json")))["cost"]
    run_share = 1.0 if environment else min(1.0, cpu / wall / arguments.threads)
    print(f"\n{name}: share of the processor {share:.2f} in the dry run, {run_share:.2f} in the run")
    print(f"{'stage':<16}{'forecast s':>12}{'measured s':>12}{'ratio':>8}  tokens read, written: run / forecast")
    measured_all = 0.0
    for stage in forecast["stages"]:
        measured = cost["seconds"].get(stage["name"], 0.0) * run_share
        measured_all += measured
        expected = stage["seconds"] * share
        ratio = f"{measured / expected:8.2f}" if expected > 0.5 else " " * 8
        print(f"{stage['name']:<16}{expected:>12.1f}{measured:>12.1f}{ratio}  {token_ratios(stage, cost)}")
    expected = forecast["seconds"] * share
    print(f"{'all':<16}{expected:>12.1f}{measured_all:>12.1f}{measured_all / expected:8.2f}")
    tokens, written = totals(forecast["stages"])
    print(f"{'prompt tokens':<16}{tokens:>12}{cost['prefill_tokens']:>12}{cost['prefill_tokens'] / tokens:8.2f}")
    print(f"{'generated':<16}{written:>12}{cost['generated_tokens']:>12}{cost['generated_tokens'] / written:8.2f}")
    expected = forecast["memory_bytes"]["all"]
    print(f"memory: {expected / 2**20:.0f} MiB forecast, {largest[0] / 2**20:.0f} MiB at most ({largest[0] / expected:.2f}), "
          f"{largest[1] / 2**20:.0f} MiB of it no pages of files")
    disk = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(output) for f in files)
    print(f"disk: {forecast['disk_bytes']['all'] / 2**20:.0f} MiB forecast, {disk / 2**20:.0f} MiB written", flush=True)


def forecast_of(arguments, scenario, model, environment):
    """What the dry run says, and its share of the processor."""
    command = [arguments.mascing, "run", scenario, "-m", model, "-t", str(arguments.threads), "--reasoning", arguments.reasoning,
               *shlex.split(arguments.option), "--dry-run", "--json"]
    done, wall, cpu, _ = timed(command, environment)
    if done.returncode != 0:
        sys.exit(f"{model}: the dry run failed:\n{done.stderr}")
    return json.loads(done.stdout)["forecast"], 1.0 if environment else min(1.0, cpu / wall / arguments.threads)


def record_of(arguments, name, kind):
    """What tools/zoo_table.py kept of a run; nothing, which is said, if it is not there."""
    path = os.path.join(arguments.records, f"{name}-{kind}.json")
    if not os.path.exists(path):
        print(f"{name}: {path} is not there", file=sys.stderr)
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def print_row(name, kind, pairs):
    """Pairs of what was forecast and what was measured, with their ratio."""
    cells = [f"`{name}`, {kind}"]
    for expected, measured in pairs:
        cells += [f"{expected:,.0f}", f"{measured:,.0f}", f"{measured / expected:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def beside_record(arguments, scenario, model, environment):
    name, kind = (os.path.splitext(os.path.basename(path))[0] for path in (model, arguments.scenario))
    kept = record_of(arguments, name, f"{kind}-baselines" if arguments.baselines else kind)
    if kept is None:
        return
    cost, search = kept["cost"], kept.get("search") or {}
    if arguments.baselines:
        forecast, _ = forecast_of(arguments, scenario, model, environment)
        read, written = totals([stage for stage in forecast["stages"] if stage["name"] == "baselines"])
        print_row(name, kind, [(read, cost["baseline_prefill_tokens"]), (written, cost["baseline_generated_tokens"])])
        return
    asked = search.get("prefill_tokens", 0) + search.get("generated_tokens", 0)
    if cost["prefill_tokens"] + cost["generated_tokens"] < 0.9 * asked:
        print(f"{name}: took most of the run from a cache", file=sys.stderr)
        return
    forecast, share = forecast_of(arguments, scenario, model, environment)
    read, written = totals(forecast["stages"])
    print_row(name, kind, [(read, cost["prefill_tokens"]), (written, cost["generated_tokens"]),
                           (forecast["seconds"] * share, sum(cost["seconds"].values()))])


def token_ratios(stage, cost):
    tokens = cost.get("stage_tokens", {}).get(stage["name"], {"prefill": 0, "generated": 0})
    pairs = ((tokens["prefill"], read_in(stage)), (tokens["generated"], stage["generated_tokens"]))
    return ", ".join(f"{measured:,} / {expected:,}" + (f" = {measured / expected:.2f}" if expected else "") for measured, expected in pairs)


def read_in(stage):
    return stage["prefill_tokens"] + stage["differentiated_tokens"]


def totals(stages):
    """Tokens read and written."""
    return sum(map(read_in, stages)), sum(s["generated_tokens"] for s in stages)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mascing")
    parser.add_argument("scenario")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--steps", type=int, help="steps of the closed loop instead of the scenario's")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reasoning", default="off", help="as for `mascing run`; models that always reason need `on`")
    parser.add_argument("--keep", help="folder for the runs, which are deleted otherwise")
    parser.add_argument("--processor-clock", action="store_true", help="time both by the processor time used; one thread only")
    parser.add_argument("--records", help="compare with the records of earlier runs in this folder, and run nothing")
    parser.add_argument("--baselines", action="store_true", help="with --records: their stage alone, of what zoo_table.py kept of it")
    parser.add_argument("--option", default="", help="further options of `mascing run`, in quotes")
    arguments = parser.parse_args()
    if arguments.processor_clock and arguments.threads != 1:
        parser.error("--processor-clock needs --threads 1")
    if arguments.baselines:
        if not arguments.records:
            parser.error("--baselines needs --records")
        arguments.option += " --method mean_difference --baselines"
    with tempfile.TemporaryDirectory() as folder:
        scenario = shortened(arguments.scenario, arguments.steps, folder)
        environment = processor_clock(folder) if arguments.processor_clock else {}
        if arguments.records:
            head = "| | read, forecast | run | ratio | written, forecast | run | ratio |"
            seconds = "" if arguments.baselines else " seconds, forecast | run, shared core | ratio |"
            print(head + seconds)
            print("| --- " * (7 if arguments.baselines else 10) + "|", flush=True)
        for model in arguments.models:
            if arguments.records:
                beside_record(arguments, scenario, model, environment)
            else:
                compare(arguments, scenario, model, arguments.keep or folder, environment)


if __name__ == "__main__":
    main()
