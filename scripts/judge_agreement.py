#!/usr/bin/env python3
"""How far the built-in judges agree with people, as a table for docs/judges.md.

  scripts/judge_agreement.py build/bin/mascing FILE... [--judge JUDGE]

Each file holds replies with human labels, as `mascing judge` reads them; nothing of it is kept.
"""
import argparse
import json
import pathlib
import subprocess
import sys


def share(rate):
    return f"{rate['rate']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def measure(program, path, judge):
    command = [program, "judge", str(path), "--json", "--judge", judge]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"judge_agreement: error: {' '.join(command)}\n{done.stderr}")
    result = json.loads(done.stdout)
    if "agreement" not in result:
        sys.exit(f"judge_agreement: error: {path} has no labels (columns verdict, final_label or label)")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--judge", action="append", help="judges to compare (phrases and refusal if left out)")
    arguments = parser.parse_args()
    print("| file | judge | full refusals | seen | answers | called refused | called partial | kappa | read |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in arguments.files:
        for judge in arguments.judge or ["phrases", "refusal"]:
            result = measure(arguments.program, path, judge)
            a = result["agreement"]
            kappa = "none" if a["kappa"] is None else f"{a['kappa']:.2f}"
            read = f"{result['share_read']:.2f}" if "share_read" in result else "start"
            print(f"| {path.stem} | {judge} | {a['refused']} | {share(a['recall'])} | {a['answered']} | "
                  f"{share(a['false_alarms'])} | {a['confusion']['answered']['partial']} | {kappa} | {read} |")


if __name__ == "__main__":
    main()
