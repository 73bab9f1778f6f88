#!/usr/bin/env python3
"""The closed loop on random pairs of masks beside the one on exact gradients, in one run. Standard library only.

usage: gradients.py MASCING SCENARIO.toml MODEL.gguf FOLDER [--seeds 0] [--option "--reasoning on"]

Runs the scenario once per kind and seed, one thread each, into FOLDER, and prints for each: tokens read by effects, costs
and loop (a differentiated token counts three times), their seconds, the user CPU time of the whole run, and what the
mask at strength 1 promises on the selection split by one prefill per conversation. The last line is the ratio of the
two. The test split decides nothing here and is not printed. A finished run is not repeated: its results are read, without
CPU time.
"""
import argparse
import json
import re
import resource
import shlex
import statistics
import subprocess
import sys
from pathlib import Path


def scenario_with(source, gradients, folder):
    """The scenario with `gradients` set, in `folder`: its relative paths become absolute ones."""
    text = source.read_text(encoding="utf-8")
    if "\ngradients" in text:
        sys.exit(f"gradients: error: {source} sets gradients itself")
    if "[search]" not in text:
        text += "\n[search]\n"
    text = text.replace("[search]", f'[search]\ngradients = "{gradients}"', 1)
    text = re.sub(r'"(\.\.?/[^"]*)"', lambda m: f'"{(source.parent / m.group(1)).resolve()}"', text)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{gradients}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(arguments, gradients, seed):
    output = arguments.folder / f"{gradients}-{seed}"
    cpu = None
    if not (output / "results.json").exists():
        path = scenario_with(arguments.scenario, gradients, arguments.folder)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run([arguments.mascing, "run", path, "-m", arguments.model, "-o", output, "-t", "1",
                               "--seed", str(seed), *shlex.split(arguments.option)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode > 1:
            sys.exit(f"gradients: error: {done.stderr}")
        cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    loop = results["loop"]
    if loop["gradients"] != gradients:
        sys.exit(f"gradients: error: the loop ran on {loop['gradients'] or 'nothing'}, not on {gradients}; see {output}/results.json")
    estimates = [c["estimates"] for c in results["candidates"] if c["method"] == "closed_loop" and abs(c["alpha"] - 1) < 1e-6]
    return {"tokens": loop["prefill_tokens"], "seconds": results["cost"]["seconds"]["closed_loop"], "cpu": cpu,
            "estimates": estimates[0] if estimates else {}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mascing")
    parser.add_argument("scenario", type=Path)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--option", default="", help="further options of mascing run")
    arguments = parser.parse_args()
    tokens = {"pairs": [], "exact": []}
    for seed in map(int, arguments.seeds.split(",")):
        for gradients, counted in tokens.items():
            row = run(arguments, gradients, seed)
            counted.append(row["tokens"])
            promise = " ".join(f"{name} {value:.3f}" for name, value in sorted(row["estimates"].items()))
            cpu = "-" if row["cpu"] is None else f"{row['cpu']:.0f}"
            print(f"{gradients:6} seed {seed}  {row['tokens'] / 1e6:7.3f} M tokens  {row['seconds']:6.0f} s  {cpu:>5} s CPU  {promise}", flush=True)
    medians = {gradients: statistics.median(counted) for gradients, counted in tokens.items()}
    print(f"pairs / exact: {medians['pairs'] / medians['exact']:.1f} times the tokens (medians)")


if __name__ == "__main__":
    main()
