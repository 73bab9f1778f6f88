#!/usr/bin/env python3
"""Writes docs/zoo.md, and the blocks "zoo" and "zoo-average" of README.md, from the results.json files of `make table`. Standard library only.

    tools/zoo_table.py out/table docs/zoo.md README.md

takes out/table/<model>/{defend,permit}/results.json of every model of the zoo into models/zoo/results, cut to what the tables need,
and draws the tables from there: a machine need not run all of them. What is missing is said. Runs of the method closed_loop, in
out/table/<model>/{defend,permit}-matrix, have a column of their own; baselines are taken from {defend,permit}-baselines.
"""
import json
import os
import sys

import readme_table

RECORDS = "models/zoo/results"
ORDER = ("qwen3moe", "phimoe", "mixtral", "gpt-oss", "qwen2moe", "hunyuan-moe", "deepseek", "qwen3moe-wide")
SEVEN = ORDER[:7]
MATRIX, COMPARISON = "-matrix", "-baselines"
PAPER = {"defend": "52.5 → 83.9", "permit": "52.6 → 82.0"}
BASELINES = {"paper": "paper's recipe", "mean_difference": "mean difference", "system_prompt": "system prompt"}
GERMAN = "german_refusal"
HOLD = {"defend": ("direct_refusal", GERMAN, "benign_compliance", "keep_answered"), "permit": ("hold_refusal", GERMAN, "benign_compliance", "dsr")}
COMPARED = ("The paper's averages are of other models (7 to 47 billion parameters), other data and another judge, and its masks were tuned on "
            "the conversations they were measured on. What may be compared is the size of a gain, loosely; the rates themselves may not.")
WORDS = ("`qwen3moe-wide` (12 layers of 64 experts) is not one of the seven and not in the averages. *AUC of the margin*: how well the "
         "estimate that a search follows tells wanted replies from others ([outcome.md](outcome.md)). *resumed*: most of the run came from the "
         "cache of an earlier one, so its minutes say nothing.")
AGAIN = ("A model that is measured again after the method has changed is looked at on its test split once more. Changes are chosen on selection "
         "splits, and results replace older ones whether they are better or not. Found with this version are "
         "`phimoe` and `deepseek`, defend; before refusals with unknown openings had a limit ([router_adapter.md](router_adapter.md)) `mixtral`, "
         "defend, and `qwen3moe` and `qwen3moe-wide`, permit; all others also before the texts and replies that limits look at were spread over "
         "their sets, and before `+look` ([outcome.md](outcome.md#looking-at-replies)). `phimoe`, defend, refused 86.5 % before loops looked at "
         "replies, 72.7 % before this version.")


def run_keys():
    return [(model, run) for model in ORDER for scenario in readme_table.SCENARIOS for run in (scenario, scenario + MATRIX, scenario + COMPARISON)]


def read_json(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, content):
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(path + ".tmp", path)


def only(value, names):
    return {name: value[name] for name in names if name in value} if value else value


def metric_record(metric):
    return {"n": metric["n"], "p_value": metric.get("p_value"), **{side: only(metric[side], ("rate", "low", "high")) for side in ("base", "steered")}}


def record(results):
    """What the tables need of a run's results.json."""
    kept = only(results, ("damage", "warnings", "labels", "cost"))
    kept["metrics"] = {name: metric_record(metric) for name, metric in results["metrics"].items()}
    kept["mask"] = only(results["mask"], ("method", "alpha", "sha256"))
    kept["outcome"] = only(results["outcome"], ("n", "auc"))
    kept["search"] = only(results.get("search"), ("prefill_tokens", "generated_tokens"))
    kept["candidates"] = [{"method": c["method"], "role": c["role"], "metrics": {name: metric_record(m) for name, m in c["metrics"].items()}}
                          for c in results["candidates"] if c["role"] == "baseline"]
    return kept


def take(folder):
    """Takes the results of a folder into the records; returns how many there were."""
    n = 0
    for model, run in run_keys():
        results = read_json(os.path.join(folder, model, run, "results.json"))
        if results:
            os.makedirs(RECORDS, exist_ok=True)
            write(os.path.join(RECORDS, f"{model}-{run}.json"), json.dumps(record(results), indent=1, ensure_ascii=False) + "\n")
            n += 1
    return n


def read():
    runs = {key: read_json(os.path.join(RECORDS, "-".join(key) + ".json")) for key in run_keys()}
    return {key: run for key, run in runs.items() if run}


def share(rate):
    return f"{100 * rate['rate']:.1f} [{100 * rate['low']:.0f}, {100 * rate['high']:.0f}]"


def has_failed(run, scenario):
    """A run whose mask was measured but not written: a hold set fell, or the rise may be chance."""
    return any(warning["id"] in (HOLD[scenario][0] + "_fell", GERMAN + "_fell", "within_chance") for warning in run["warnings"])


def fallen(run, scenario):
    """Sets beside the hold set whose limit the mask broke on the test split."""
    ids = {warning["id"] for warning in run["warnings"]}
    return [name for name in HOLD[scenario][2:] if name + "_fell" in ids]


def mask_cell(run, scenario):
    """Rate under the mask that a run chose, in parts that may be bold."""
    metric = run["metrics"].get(readme_table.TARGETS[scenario]) if run else None
    if metric is None:
        return "-"
    if metric["steered"] is None:
        return "no mask"
    if has_failed(run, scenario):
        return f"no mask (failed at {share(metric['steered'])})"
    return share(metric["steered"])


def target_cells(run, matrix, comparison, scenario):
    """Base, each baseline, the closed loop's matrix, the mask."""
    target = readme_table.TARGETS[scenario]
    metric = run["metrics"].get(target)
    if metric is None:
        return ["-"] * (len(BASELINES) + 3)
    found = {c["method"]: c for other in (run, matrix, comparison) if other for c in other["candidates"] if target in c["metrics"]}
    cells = [share(metric["base"])]
    cells += [share(found[b]["metrics"][target]["steered"]) if b in found else "-" for b in BASELINES]
    ours = mask_cell(run, scenario)
    return cells + [mask_cell(matrix, scenario), ours if ours.startswith("no mask") else f"**{ours}**"]


def damage_cells(run, scenario):
    cells = []
    for name in HOLD[scenario]:
        metric = run["metrics"].get(name)
        cells.append("-" if metric is None or metric["steered"] is None else f"{100 * metric['base']['rate']:.0f} → {100 * metric['steered']['rate']:.0f}")
    damage = run["damage"] if run["mask"]["method"] else {}
    cells.append(readme_table.number_cell(None, damage.get("kl_benign"), 3))
    cells.append(readme_table.number_cell(damage.get("perplexity_base"), damage.get("perplexity_steered"), 1))
    outcome = run["outcome"]
    cells.append(f"{outcome['auc']:.2f}" if outcome["n"] else "-")
    cost, search = run["cost"], run.get("search") or {}
    worked = cost["prefill_tokens"] + cost["generated_tokens"]
    asked = search.get("prefill_tokens", 0) + search.get("generated_tokens", 0)
    cells.append(f"{max(worked, asked) / 1e6:.1f} M")
    cells.append(f"{sum(cost['seconds'].values()) / 60:.0f}" if worked >= 0.9 * asked else "resumed")
    return cells


def average(runs, scenario, which, suffix=""):
    """Mean over the seven models, or None if one is missing. Without a mask a model counts with its base rate."""
    target, rates = readme_table.TARGETS[scenario], []
    for model in SEVEN:
        run = runs.get((model, scenario + suffix))
        if run is None or target not in run["metrics"]:
            return None
        metric = run["metrics"][target]
        steered = None if has_failed(run, scenario) else metric["steered"]
        rates.append((steered if which == "steered" and steered else metric["base"])["rate"])
    return sum(rates) / len(rates)


def average_text(runs, scenario, suffix=""):
    values = [average(runs, scenario, which, suffix) for which in ("base", "steered")]
    return "not all seven are measured" if None in values else f"{100 * values[0]:.1f} → {100 * values[1]:.1f}"


def scenario_table(runs, scenario):
    names = {"defend": "attacks that end refused (DSR)", "permit": "permitted tales told (GSR)"}
    yield f"\n## {scenario}: {names[scenario]}, test split, in %\n"
    yield "| model | n | without | " + " | ".join(BASELINES.values()) + " | steering matrix | router adapter |"
    yield "| --- " * (len(BASELINES) + 5) + "|"
    for model in ORDER:
        run = runs.get((model, scenario))
        n = run["metrics"].get(readme_table.TARGETS[scenario], {}).get("n", "-") if run else "-"
        yield f"| `{model}` | {n} | " + " | ".join(
            target_cells(run, *(runs.get((model, scenario + suffix)) for suffix in (MATRIX, COMPARISON)), scenario) if run else ["not run"] + ["-"] * (len(BASELINES) + 2)) + " |"
    yield (f"\nAverage of the seven, with router adapters: {average_text(runs, scenario)}; with steering matrices: "
           f"{average_text(runs, scenario, MATRIX)}; the paper's: {PAPER[scenario]}.")
    yield "\n| model | " + " | ".join(f"`{name}`" for name in HOLD[scenario]) + " | KL on benign replies | perplexity | AUC of the margin | tokens | minutes (shared core) |"
    yield "| --- " * (len(HOLD[scenario]) + 6) + "|"
    for model in ORDER:
        run = runs.get((model, scenario))
        if run:
            yield f"| `{model}` | " + " | ".join(damage_cells(run, scenario)) + " |"
    yield from hold_notes(runs, scenario)
    yield from earlier_notes(runs, scenario)
    for model in ORDER:
        for warning in (runs.get((model, scenario)) or {"warnings": []})["warnings"]:
            yield f"* {model}: {warning['text']} (`{warning['id']}`)"


def hold_notes(runs, scenario):
    """Models whose run had a smaller hold set than the others: their limits were seen less well."""
    key = f"discovery.{HOLD[scenario][0]}"
    sizes = {model: runs[model, scenario]["labels"].get(key, 0) for model in ORDER if (model, scenario) in runs}
    for model, n in sizes.items():
        if n < max(sizes.values()):
            yield f"* {model}: measured when the hold set had {n} conversations on the discovery split; it has {max(sizes.values())} now"


def earlier_notes(runs, scenario):
    """Records of an older method say so in `note`, which is written by hand when the method changes."""
    noted = {}
    for model in ORDER:
        note = runs.get((model, scenario), {}).get("note")
        if note:
            noted.setdefault(note, []).append(model)
    for note, models in noted.items():
        yield f"* {', '.join(models)}: {note}"


def page(runs):
    lines = ["# The zoo: results", "",
             "Written by `make table`: both scenarios on every model of [models/zoo](../models/zoo/README.md), on test splits that share no topic with",
             "what found and chose the masks. Rates with 95 % Wilson intervals. Bold: [router adapters](router_adapter.md), which the scenarios of",
             "the zoo look for; beside them the matrices of [the closed loop](closed_loop.md). Baselines are tuned on the selection split within the same",
             "limits; `-`: not measured. " + WORDS, "", COMPARED, "", AGAIN]
    for scenario in readme_table.SCENARIOS:
        lines += scenario_table(runs, scenario)
    return "\n".join(lines) + "\n"


def headline(runs):
    lines = ["| model | attacks that end refused, in % | permitted tales told, in % |", "| --- | --- | --- |"]
    for model in SEVEN:
        cells = []
        for scenario in readme_table.SCENARIOS:
            run = runs.get((model, scenario)) or runs.get((model, scenario + MATRIX))
            metric = run["metrics"].get(readme_table.TARGETS[scenario]) if run else None
            cell = readme_table.rate_cell(metric) if run else "not run yet"
            if run and has_failed(run, scenario):
                cell = f"{100 * metric['base']['rate']:.1f} → no mask"
            elif run and fallen(run, scenario):
                cell += ", beyond the limit of " + ", ".join(f"`{name}`" for name in fallen(run, scenario))
            cells.append(cell + (" (matrix)" if run and (model, scenario) not in runs else ""))
        lines.append(f"| `{model}` | " + " | ".join(cells) + " |")
    lines.append("| average | " + " | ".join(average_text(runs, s) for s in readme_table.SCENARIOS) + " |")
    lines.append("| the paper's seven models | " + " | ".join(PAPER[s] for s in readme_table.SCENARIOS) + " |")
    return "\n".join([*lines, "", COMPARED + " All tables: [docs/zoo.md](docs/zoo.md)."])


def first_screen(runs):
    averages = [average_text(runs, scenario) for scenario in readme_table.SCENARIOS]
    return ("Small models of [seven architectures](#the-zoo-seven-architectures), trained on longer prompts and attacks than the demo's, on\n"
            f"average over held-out test splits: attacks that end refused {averages[0]} %, permitted tales told {averages[1]} %.")


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, document, readme = arguments
    try:
        if not take(folder):
            raise ValueError(f"{folder}: no results.json of a model of the zoo; run make table")
        runs = read()
        with open(readme, encoding="utf-8") as file:
            text = readme_table.replace_block(file.read(), "zoo", headline(runs))
        text = readme_table.replace_block(text, "zoo-average", first_screen(runs))
    except (OSError, ValueError, KeyError) as error:
        print(f"zoo_table: error: {error!r}", file=sys.stderr)
        return 1
    write(document, page(runs))
    write(readme, text)
    print(f"wrote {document} and the zoo's table of {readme}: {len(runs)} records; {2 * len(ORDER)} adapters, matrices and baselines each make it whole", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
