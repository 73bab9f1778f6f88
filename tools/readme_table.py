#!/usr/bin/env python3
"""Writes the tables of the demo models from results.json files, each between two marker lines. Standard library only.

    tools/readme_table.py out/results docs/demo_results.md README.md

reads out/results/{planted,natural}/{defend,permit}/results.json, as written by `make results`. The first page gets all tables, the
second one the four rows of the targets. Without baselines in the results, the table of baselines stays as it is.
"""
import json
import os
import sys

BEGIN, END = "<!-- {}:begin -->", "<!-- {}:end -->"
MODELS = ("planted", "natural")
SCENARIOS = ("defend", "permit")

# In the order of the table. A metric that is not listed here follows under its own id.
WORDS = {
    "defend": {
        "dsr": "attacks that end refused (the target)",
        "direct_refusal": "direct requests: must stay refused",
        "benign_compliance": "ordinary requests: must stay answered",
        "keep_answered": "neighbouring requests: must stay answered",
    },
    "permit": {
        "gsr": "permitted requests answered (the target)",
        "hold_refusal": "forbidden requests: must stay refused",
        "benign_compliance": "ordinary requests: must stay answered",
        "dsr": "attacks that end refused: no fewer",
    },
}
TARGETS = {"defend": "dsr", "permit": "gsr"}
BASELINES = {
    "paper": "paper's recipe",
    "mean_difference": "mean difference",
    "forced_experts": "forced experts",
    "control_vector": "control vector",
    "system_prompt": "system prompt",
}
COMMON_WORDS = {"coherent": "coherent replies", "multiple_choice": "multiple choice right"}


def percent(share):
    return "-" if share is None else f"{100 * share:.1f}"


def rate_cell(metric):
    if metric is None:
        return "-"
    base, steered = metric["base"], metric["steered"]
    if steered is None:
        return f"{percent(base['rate'])} → no mask"
    after = percent(steered["rate"])
    if metric["p_value"] is not None and metric["p_value"] < 0.05:
        after = f"**{after}**"
    return f"{percent(base['rate'])} → {after} [{percent(steered['low'])}, {percent(steered['high'])}]"


def number_cell(before, after, digits):
    if after is None:
        return "-"
    text = f"{after:.{digits}f}"
    return text if before is None else f"{before:.{digits}f} → {text}"


def mask_cell(results):
    mask, model = results["mask"], results["model"]
    if not mask["method"]:
        return "none found"
    text = f"{mask['method']}, {mask['n_active']} of {model['n_layer_moe'] * model['n_expert']} entries, alpha {mask['alpha']:g}"
    return text if results["mask_exists"] else text + "; rejected, not written"


def size_cell(metrics):
    sizes = sorted({metric["n"] for metric in metrics if metric})
    return "/".join(str(size) for size in sizes)


def scenario_rows(scenario, runs):
    words = {**WORDS[scenario], **COMMON_WORDS}
    found = {name for run in runs for name in run["metrics"]}
    order = [name for name in words if name in found] + sorted(found - set(words))
    first = f"**{scenario}**"
    for name in order:
        metrics = [run["metrics"].get(name) for run in runs]
        label = f"{words[name]} (`{name}`)" if name in words else f"`{name}`"
        yield [first, label, size_cell(metrics)] + [rate_cell(m) for m in metrics]
        first = ""
    damages = [run["damage"] if run["mask"]["method"] else {} for run in runs]
    yield ["", "divergence on benign replies, nats/token", ""] + [
        number_cell(None, d.get("kl_benign"), 3) for d in damages]
    yield ["", "perplexity of general text", ""] + [
        number_cell(d.get("perplexity_base"), d.get("perplexity_steered"), 1) for d in damages]
    yield ["", "mask", ""] + [mask_cell(run) for run in runs]


def over_topics(model, scenario, run):
    topics = run["metrics"][TARGETS[scenario]].get("topics")
    if not topics:
        return None
    change, low, high = (100 * topics["change"][key] for key in ("rate", "low", "high"))
    p = "< 0.0001" if topics["p_value"] < 0.0001 else f"= {topics['p_value']:.2g}"
    return f"{model}, {scenario}: {change:+.1f} [{low:+.1f}, {high:+.1f}] over {topics['n']} topics, p {p}"


def render(results):
    lines = [
        "| scenario | share with the wanted outcome, in % | n | planted (model organism) | natural |",
        "| --- | --- | --- | --- | --- |",
    ]
    for scenario in SCENARIOS:
        for row in scenario_rows(scenario, [results[model, scenario] for model in MODELS]):
            lines.append("| " + " | ".join(row) + " |")
    tool = results["planted", "defend"]["tool"]
    lines += ["", f"Test split, without → with the mask, [95 % Wilson interval]; bold: McNemar p < 0.05. "
                  f"Version {tool['version']}, seed {tool['seed']}; written by `make results`."]
    over = [over_topics(model, scenario, run) for (model, scenario), run in results.items()]
    if any(over):
        lines += ["", "The targets' changes over topics, whose conversations resemble each other, in points [95 % over topics]:"]
        lines += [f"* {line}" for line in over if line] + [""]
    for (model, scenario), run in results.items():
        for warning in run["warnings"]:
            lines.append(f"* {model}, {scenario}: {warning['text']} (`{warning['id']}`)")
    return "\n".join(lines)


HOLDS = {"defend": "direct_refusal", "permit": "hold_refusal"}


def render_headline(results):
    lines = ["| model | what should change | without → with the mask | forbidden requests still refused | ordinary requests still answered |",
             "| --- | --- | --- | --- | --- |"]
    for model in reversed(MODELS):
        for scenario in SCENARIOS:
            run = results[model, scenario]
            target = TARGETS[scenario]
            what = WORDS[scenario][target].replace(" (the target)", "")
            cells = [model, f"{what}, in % of {run['metrics'][target]['n']}"]
            cells += [rate_cell(run["metrics"].get(name)) for name in (target, HOLDS[scenario], "benign_compliance")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def baseline_cell(candidate, target):
    if candidate is None or target not in candidate["metrics"]:
        return "-"
    p = candidate["p_versus_chosen_holm"]
    text = f"{100 * candidate['metrics'][target]['steered']['rate']:.0f}"
    return text if p is None or p < 0.0001 else f"{text} (p {p:.2g})"


def baseline_row(model, scenario, run):
    target = TARGETS[scenario]
    metric, random = run["metrics"][target], run.get("random_masks")
    found = {c["method"]: c for c in run["candidates"] if c["role"] == "baseline"}
    steered = "-" if metric["steered"] is None else f"**{100 * metric['steered']['rate']:.0f}**"
    cells = [f"{model}, {scenario} ({target.upper()}, n {metric['n']})", f"{100 * metric['base']['rate']:.0f}", steered]
    cells += [baseline_cell(found.get(method), target) for method in BASELINES]
    cells.append("-" if not random or not random["n_mask"] else
                 f"{100 * random['mean']:.0f} ± {100 * random['sd']:.0f}, highest {100 * random['most']:.0f}")
    return "| " + " | ".join(cells) + " |"


def render_baselines(results):
    """None without baselines."""
    n_random = max((run["random_masks"]["n_mask"] for run in results.values() if run.get("random_masks")), default=0)
    if not n_random:
        return None
    lines = ["| target rate in % | without | **the mask** | " + " | ".join(BASELINES.values()) + f" | {n_random} random masks |",
             "| --- " * (len(BASELINES) + 4) + "|"]
    return "\n".join(lines + [baseline_row(*key, run) for key, run in reversed(results.items())])


def read_results(folder):
    results = {}
    for model in MODELS:
        for scenario in SCENARIOS:
            path = os.path.join(folder, model, scenario, "results.json")
            with open(path, encoding="utf-8") as file:
                results[model, scenario] = json.load(file)
            results[model, scenario]["mask_exists"] = os.path.exists(os.path.join(folder, model, scenario, "mask.gguf"))
            if results[model, scenario]["schema"] != 2:
                raise ValueError(f"{path}: schema {results[model, scenario]['schema']}, expected 2")
    return results


def replace_block(text, name, block):
    begin, end = BEGIN.format(name), END.format(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"expected the lines {begin} and {end}, once each and in this order")
    head, rest = text.split(begin)
    return head + begin + "\n" + block + "\n" + end + rest.split(end)[1]


def rewrite(path, blocks):
    """Replaces the named blocks of a page; None leaves one as it is."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, block in blocks.items():
        if block is not None:
            text = replace_block(text, name, block)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".tmp", path)
    print(f"wrote the tables of {path}", file=sys.stderr)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, page, readme = arguments
    try:
        results = read_results(folder)
        baselines = render_baselines(results)
        rewrite(page, {"results": render(results), "baselines": baselines})
        rewrite(readme, {"headline": render_headline(results)})
    except (OSError, ValueError, KeyError) as error:
        print(f"readme_table: error: {error!r}", file=sys.stderr)
        return 1
    if baselines is None:
        print("readme_table: no baselines in these results; their table was left as it is", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
