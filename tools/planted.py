#!/usr/bin/env python3
"""Compares the experts that a run on the planted demo model found with the planted ones. Standard library only.

    tools/planted.py out/results/planted/defend/results.json [MORE.json...] [--experts models/demo/planted_experts.json]

Ranks all experts by how much they carry towards a refusal (`effects.carried`, docs/closed_loop.md) and takes as many as
were planted: in defend the guards of forbidden deeds (G1), in permit, on whose refusals both groups of guards were
trained, G1 and G2. With the planted count, precision and recall are the same number. The ranking by the effects of
single experts is printed as well. Exit status 1 if the recovery by carried experts is below 0.9.
"""
import argparse
import json
import sys

BAR = 0.9


def planted(path, direction):
    with open(path, encoding="utf-8") as file:
        known = json.load(file)
    groups = ("G1",) if direction == "defend" else ("G1", "G2")
    return {(int(layer), expert) for group in groups for layer, experts in known[group]["layers"].items()
            for expert in experts}


def recovered(matrix, sign, experts):
    """Share of the planted experts among the highest entries, as many as were planted."""
    ranked = sorted(((-sign * value, layer, expert) for layer, row in enumerate(matrix)
                     for expert, value in enumerate(row)))
    return sum((layer, expert) in experts for _, layer, expert in ranked[:len(experts)])


def recovery(results, path):
    """(planted experts, found among the carriers, found by single effects) of a run on the planted model."""
    direction, effects = results["scenario"]["direction"], results["effects"]
    sign = 1 if direction == "defend" else -1  # effects are on the wanted reply, and guards refuse
    experts = planted(path, direction)
    return len(experts), recovered(effects["carried"], sign, experts), recovered(effects["effect"], sign, experts)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--experts", default="models/demo/planted_experts.json")
    args = parser.parse_args(arguments)
    is_good = True
    for path in args.results:
        try:
            with open(path, encoding="utf-8") as file:
                results = json.load(file)
            n, carried, single = recovery(results, args.experts)
        except (OSError, ValueError, KeyError) as error:
            print(f"planted: error: {path}: {error!r}", file=sys.stderr)
            return 2
        is_good = is_good and carried >= BAR * n
        print(f"{results['scenario']['name']}: of {n} planted experts {carried} carry the refusals most "
              f"({carried / n:.2f}); by single effects {single} ({single / n:.2f}); "
              f"layers {results['effects']['layer_effect']}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
