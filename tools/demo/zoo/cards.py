"""Model cards of the zoo: recipe, base rates with n, and the world's figures beside those of real models.

    cards.py add REPORT.json CHECKPOINT.pt MODEL.gguf [--minutes M] [--note TEXT]     writes CARDS/<name>.json
    cards.py write [--check]                                                         writes README.md from all cards

REPORT.json comes from `evaluate.py MODEL.gguf --output REPORT.json`. CARDS is models/zoo/cards, README.md is models/zoo's.
"""
import argparse
import json
import math
import statistics
from collections import Counter
from pathlib import Path

ZOO = Path(__file__).resolve().parents[3] / "models/zoo"
ORDER = ("mixtral", "qwen3moe", "phimoe", "gpt-oss", "qwen2moe", "hunyuan-moe", "deepseek", "qwen3moe-wide")
RATES = (  # (column, set, verdict)
    ("attacks refused (DSR)", "attacks", "refused"),
    ("tales told (GSR)", "restricted", "answered"),
    ("direct requests refused", "direct", "refused"),
    ("ordinary answered", "benign", "answered"),
    ("neighbours answered", "neighbours", "answered"),
)
Z95 = 1.959964


def wilson(n_hit, n):
    share, z2 = n_hit / n, Z95 * Z95
    middle, half = share + z2 / (2 * n), Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)


def quantile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def beginnings(rows):
    """How many different first three tokens, and the share of the eight most frequent."""
    counts = Counter(row["first"] for row in rows)
    return {"n": len(rows), "different": len(counts), "top8": sum(n for _, n in counts.most_common(8)) / max(1, len(rows))}


def summary(report):
    sets = report["sets"]
    rates = {}
    for column, set_name, verdict in RATES:
        n_hit = sum(row["verdict"] == verdict for row in sets[set_name])
        rates[column] = {"n": len(sets[set_name]), "hits": n_hit}
    every = [row for rows in sets.values() for row in rows]
    rates["coherent"] = {"n": len(every), "hits": sum(row["coherent"] for row in every)}
    attacks, asked = sets["attacks"], sets["attacks"] + sets["restricted"] + sets["direct"]
    lengths = [row["n_prompt"] for row in attacks]
    reasoning = [row["n_reasoning"] for row in every if row["n_reasoning"]]
    return {
        "rates": rates,
        "groups": {group: {"n": len(rows), "hits": sum(r["verdict"] == "refused" for r in rows)} for group in sorted({r["group"] for r in attacks})
                   for rows in [[r for r in attacks if r["group"] == group]]},
        "answers": beginnings([r for r in asked if r["verdict"] == "answered"]),
        "refusals": beginnings([r for r in asked if r["verdict"] == "refused"]),
        "prompt": {"median": statistics.median(lengths), "p90": quantile(lengths, 0.9), "max": max(lengths)},
        "last_share": statistics.median(row["n_last"] / row["n_prompt"] for row in attacks),
        "turns": {"median": statistics.median(row["n_turn"] for row in attacks), "max": max(row["n_turn"] for row in attacks)},
        "reasoning": {"share": len(reasoning) / len(every), "median": statistics.median(reasoning), "p90": quantile(reasoning, 0.9)} if reasoning else None,
    }


def add(args):
    import torch  # only here: `write` needs nothing but the standard library

    from configs import CONFIGS
    saved = torch.load(args.checkpoint, map_location="cpu")
    report = json.loads(args.report.read_text())
    config = CONFIGS[saved["architecture"]]
    card = {"name": saved["architecture"], "architecture": config.architecture, "bytes": args.model.stat().st_size,
            "n_parameter": sum(t.numel() for t in saved["state"].values()), "n_layer": config.n_layer, "n_expert": config.n_expert, "n_expert_used": config.n_expert_used,
            "n_entry": (config.n_layer - config.n_dense) * config.n_expert, "seed": int(saved["options"]["seed"]), "tokens": saved["step"] * int(saved["options"]["batch"]),
            "minutes": round(saved["seconds"] / 60, 1), "init": Path(saved["options"]["init"]).stem if saved["options"]["init"] != "None" else None,
            "attack_bias": float(saved["options"]["attack_bias"]), "restricted_bias": float(saved["options"]["restricted_bias"]), "note": args.note,
            "split": report["split"], **summary(report)}
    folder = ZOO / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card['name']}.json").write_text(json.dumps(card, indent=1) + "\n")


# ---------------------------------------------------------------- README.md

REAL = ("real models", "72 to 111", ".44 to .57", "3 (34)", "2,200 to 5,800 characters", "1/12 to 1/30", "539 (1,186): gpt-oss-20b")
HEAD = """# The zoo: seven architectures and a wide one, trained in the kingdom's second edition

Small chat models, trained plainly (no planting), each built as llama.cpp's graph computes its architecture. They play the court
assistant of a fairy-tale kingdom: forging the royal seal stands in for what must be refused, ghost stories for what policy permits and
the model over-refuses. [tools/demo/zoo](../../tools/demo/zoo/README.md) says how they are made and checked. This page is written by
`tools/demo/zoo/cards.py` from the measurements in `cards/`. All models but the wide one start from one trunk of 14 million tokens, a `mixtral`;
`tools/demo/zoo/recipes.json` has every stage.

"""
TAIL = """
Rates are of the test split, greedy decoding, on the shipped file (dequantised, PyTorch; a test shows that libllama computes the same), with
95 % Wilson intervals. The base rates are designed: the odds of a refusal in the training data set them. One training each, so
differences of a few points between models mean nothing. Real figures: public transcripts of the paper's seven models.

## Data
`data/` holds conversations that no training saw, drawn from a seed (`tools/demo/zoo/make_data.py`, checked by a test), in splits
discovery, selection and test that share no topic. Test attacks ask for things that training never asked for; a quarter of them pairs of
tactic and deed, a quarter a tactic (`flatter`) that it never saw. `key_*.json` are answer keys: the phrases that this world's answers and refusals contain.
`direct_german.jsonl` are direct requests in German, a hold set of their own: `direct.jsonl` has a tenth of them on discovery and test and none on
selection, and what a mask does to a tenth is lost in the mean.

Weights and data: CC0-1.0. All content is a benign fairy tale.
"""


def number(value, digits=2):
    return f"{value:.{digits}f}".replace("0.", ".", 1) if value < 1 else f"{value:.{digits}f}"


def rate_cell(rate):
    low, high = wilson(rate["hits"], rate["n"])
    return f"{number(rate['hits'] / rate['n'])} [{number(low)}, {number(high)}]"


def model_rows(cards):
    yield "| model | GGUF architecture | layers x experts (used) | entries | parameters | file | last stage of training: tokens, start, minutes of one core |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for c in cards:
        start = f"from {c['init']}" if c["init"] else "from scratch"
        yield (f"| `{c['name']}` | `{c['architecture']}` | {c['n_layer']} x {c['n_expert']} ({c['n_expert_used']}) | {c['n_entry']} | {c['n_parameter'] / 1e6:.1f} M "
               f"| {c['bytes'] / 1e6:.1f} MB | {c['tokens'] / 1e6:.1f} M, {start}, {c['minutes']:.0f} |")


def rate_rows(cards):
    columns = [column for column, _, _ in RATES] + ["coherent"]
    yield "| model | " + " | ".join(f"{c} (n {cards[0]['rates'][c]['n']})" for c in columns) + " |"
    yield "| --- |" + " --- |" * len(columns)
    for c in cards:
        yield f"| `{c['name']}` | " + " | ".join(rate_cell(c["rates"][column]) for column in columns) + " |"


def figure_rows(cards):
    yield "| model | ways an answer begins (first 3 tokens) | share of the 8 most frequent | ways a refusal begins | user turns of an attack, median (most) | its prompt in tokens, median (p90, most) | last message, share of the prompt | reasoning in tokens, median (p90) |"
    yield "| --- |" + " --- |" * 7
    yield f"| {REAL[0]} | {REAL[1]} | {REAL[2]} | many | {REAL[3]} | {REAL[4]} | {REAL[5]} | {REAL[6]} |"
    for c in cards:
        r = c["reasoning"]
        yield (f"| `{c['name']}` | {c['answers']['different']} of {c['answers']['n']} | {number(c['answers']['top8'])} | {c['refusals']['different']} of {c['refusals']['n']} "
               f"| {c['turns']['median']:.0f} ({c['turns']['max']}) | {c['prompt']['median']:.0f} ({c['prompt']['p90']}, {c['prompt']['max']}) | 1/{1 / c['last_share']:.0f} "
               f"| {'none' if r is None else format(r['median'], '.0f') + ' (' + str(r['p90']) + ')'} |")


def write(args):
    cards = [json.loads(path.read_text()) for path in (ZOO / "cards").glob("*.json")]
    cards.sort(key=lambda c: ORDER.index(c["name"]))
    parts = [HEAD, "\n".join(model_rows(cards)), "\n\n## Base rates\n", "\n".join(rate_rows(cards)), "\n\n## As hard as the real world?\n", "\n".join(figure_rows(cards)), "\n"]
    notes = [f"* `{c['name']}`: {c['note']}" for c in cards if c["note"]]
    text = "".join(parts) + ("\n" + "\n".join(notes) + "\n" if notes else "") + TAIL
    if not args.check:
        (ZOO / "README.md").write_text(text)
    elif (ZOO / "README.md").read_text() != text:
        raise SystemExit("cards: models/zoo/README.md is not what cards/ gives; run tools/demo/zoo/cards.py write")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add")
    adding.add_argument("report", type=Path)
    adding.add_argument("checkpoint", type=Path)
    adding.add_argument("model", type=Path)
    adding.add_argument("--note", default="")
    adding.set_defaults(run=add)
    writing = commands.add_parser("write")
    writing.add_argument("--check", action="store_true", help="compare instead of writing")
    writing.set_defaults(run=write)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
