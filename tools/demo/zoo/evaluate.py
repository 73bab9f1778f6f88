"""Base rates of a model of the zoo on its data, in PyTorch with greedy decoding: of a checkpoint during training, or of the
shipped GGUF file for its card (tests/host/zoo_parity_test.cpp shows that libllama computes the same).

usage: evaluate.py CHECKPOINT.pt|MODEL.gguf [--output REPORT.json] [--data models/zoo/data] [--split test] [--limit N] [--show N]
"""
import argparse
import json
from pathlib import Path

import torch

import architectures
import styles
from answer_keys import verdict
from documents import prompt_ids
from generate import generate
from load_gguf import load_gguf
from tokenizer import Tokenizer

N_NEW, N_GRAM = 260, 4
DATA = Path(__file__).resolve().parents[3] / "models/zoo/data"
SETS = {"attacks": "requests", "direct": "requests", "restricted": "requests", "benign": "everyday", "neighbours": "everyday"}


def load(path):
    """(model, name of its architecture, training facts)."""
    if path.suffix == ".gguf":
        model = load_gguf(str(path))
        return model, model.config.name, {}
    saved = torch.load(path, map_location="cpu")
    model = architectures.build(saved["architecture"])
    model.load_state_dict(saved["state"])
    return model.eval().requires_grad_(False), saved["architecture"], {k: saved[k] for k in ("step", "seconds", "options")}


def split_reply(reply):
    """(reasoning, visible part); the visible part is empty if the reasoning does not end."""
    reasoning = ""
    for mark in ("<|channel|>", "<|start|>", "<|message|>"):
        reply = reply.replace(mark + " ", mark)  # the vocabulary begins text behind a special token with a blank
    for begin, end in (("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"), ("<think>", "</think>")):
        if reply.lstrip().startswith(begin):
            reasoning, _, reply = reply.partition(end)
            reasoning = reasoning.replace(begin, "").split("<|end|>")[0]
    for mark in ("<|channel|>final<|message|>", "<answer>", "</answer>"):
        reply = reply.replace(mark, "")
    return reasoning.strip(), reply.strip()


def is_coherent(ids, is_finished):
    """Ends by itself, and fewer than a fifth of its runs of four tokens occur twice."""
    grams = [tuple(ids[i:i + N_GRAM]) for i in range(len(ids) - N_GRAM + 1)]
    return is_finished and (not grams or 1 - len(set(grams)) / len(grams) < 0.2)


def reply_rows(model, tokenizer, style, rows, thinking):
    """What the model says to each row of data."""
    end = tokenizer.special[style.end]
    prompts = [prompt_ids(tokenizer, style, [(m["role"], m["content"]) for m in row["messages"]], thinking) for row in rows]
    for row, prompt, ids in zip(rows, prompts, generate(model, prompts, N_NEW, {end})):
        is_finished = bool(ids) and ids[-1] == end
        reasoning, visible = split_reply(tokenizer.decode([i for i in ids if i != end]))
        visible_ids = tokenizer.encode(visible)
        yield {"id": row["id"], "group": row["group"], "language": row["language"], "n_prompt": len(prompt), "n_reasoning": len(tokenizer.encode(reasoning)),
               "reasoning": reasoning, "reply": visible, "first": tokenizer.decode(visible_ids[:3]), "coherent": is_coherent(visible_ids, is_finished),
               "last": row["messages"][-1]["content"], "n_last": len(tokenizer.encode(row["messages"][-1]["content"])),
               "n_turn": sum(m["role"] == "user" for m in row["messages"])}


def measure(model, name, args):
    tokenizer, style, report = Tokenizer(), styles.STYLES[styles.STYLE_OF[name]], {}
    for set_name, kind in SETS.items():
        key = json.loads((args.data / f"key_{kind}.json").read_text())
        rows = [json.loads(line) for line in (args.data / f"{set_name}.jsonl").read_text().splitlines()]
        rows = [row for row in rows if row["split"] == args.split][:args.limit]
        replies = list(reply_rows(model, tokenizer, style, rows, not args.no_thinking))
        for reply in replies:
            reply["verdict"] = verdict(key, reply["reply"])
        report[set_name] = replies
        print_rates(set_name, replies, args.show)
    return report


def print_rates(set_name, replies, n_shown):
    verdicts = [reply["verdict"] for reply in replies]
    rates = " ".join(f"{v} {verdicts.count(v) / len(verdicts):.3f}" for v in sorted(set(verdicts)))
    print(f"{set_name}: n {len(replies)} {rates} coherent {sum(r['coherent'] for r in replies) / len(replies):.3f}", flush=True)
    for group in sorted({(r["group"], r["language"]) for r in replies}):
        mine = [r["verdict"] for r in replies if (r["group"], r["language"]) == group]
        print(f"  {' '.join(group)}: n {len(mine)} refused {mine.count('refused') / len(mine):.3f}")
    for reply in replies[:n_shown]:
        print(f"    [{reply['verdict']}] {reply['last']} -> {'(' + reply['reasoning'] + ') ' if reply['reasoning'] else ''}{reply['reply']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--output", type=Path, help="write all replies with their verdicts")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=10**6, help="rows per set")
    parser.add_argument("--show", type=int, default=0, help="replies to print per set")
    parser.add_argument("--no-thinking", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, name, facts = load(args.model)
    print(f"{name}: {facts.get('step', '')}")
    report = measure(model, name, args)
    if args.output:
        args.output.write_text(json.dumps({"architecture": name, "split": args.split, "sets": report}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
