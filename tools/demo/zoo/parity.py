"""Writes what PyTorch computes for a GGUF file of the zoo as a fixture that tests/host/zoo_parity_test.cpp compares
libllama with, both in F32 on the dequantised weights.

Logits (every 64th of the vocabulary) after the middle and after the last token of each prompt, and the greedy tokens
that follow. Where the last bits decide, two correct programs may differ, and the fixture says how often that was:
greedy tokens end before a step whose two best logits differ by less than 0.002 of the logits' spread, and prompts are
left out in which a router's last chosen and first rejected expert differ by less than 5e-6 of the logits' spread.

usage: parity.py MODEL.gguf FIXTURE.json [--prompts FILE]    (FILE: a JSON list of lists of token ids; 50 are used)
"""
import blas  # noqa: F401, before PyTorch
import argparse
import json
from pathlib import Path

import torch

from generate import greedy
from load_gguf import load_gguf

N_PROMPT, N_NEW, STRIDE = 50, 24, 64
NEAR_TIE, ROUTER_TIE = 0.002, 5e-6
SHORTEST, LONGEST = 12, 700


def random_prompts(n_vocab, seed=7):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.linspace(SHORTEST, LONGEST, 2 * N_PROMPT).long().tolist()
    return [[1, *torch.randint(10, n_vocab, (length - 1,), generator=generator).tolist()] for length in lengths]


def read_prompts(path, n_context):
    return [p for p in json.loads(Path(path).read_text()) if len(p) + N_NEW <= n_context]


def spread_out(prompts):
    """Every 3rd, then the rest: a sample of all lengths and kinds comes first."""
    return [p for first in range(3) for p in prompts[first::3]]


def rounded(values):
    return [float(f"{v:.6g}") for v in values]


def has_router_tie(model, stats):
    n_used = model.config.n_expert_used
    for logits, _, _ in stats:
        top = logits.topk(n_used + 1, -1).values
        if float((top[:, -2] - top[:, -1]).min()) < ROUTER_TIE * float(logits.std()):
            return True
    return False


def measure(model, prompt):
    """One entry of the fixture and whether a near tie cut its greedy tokens short; None if a router is undecided."""
    stats = []
    logits = model.logits(model(torch.tensor([prompt]), stats=stats))[0]
    if has_router_tie(model, stats):
        return None
    points = [len(prompt) // 2, len(prompt) - 1]
    (tokens,), (margins,) = greedy(model, [prompt], N_NEW, frozenset())
    spread = float(logits[-1].std())
    n_clear = next((i for i, margin in enumerate(margins) if margin < NEAR_TIE * spread), len(tokens))
    return {"ids": prompt, "points": points, "logits": [rounded(logits[i, ::STRIDE].tolist()) for i in points],
            "greedy": tokens[:n_clear]}, n_clear < len(tokens)


@torch.no_grad()
def measure_all(model, prompts):
    """50 entries, how many of them were cut short, and how many prompts were left out."""
    entries, n_cut, n_left_out = [], 0, 0
    for prompt in spread_out(prompts):
        measured = measure(model, prompt)
        n_left_out += measured is None
        if measured is not None:
            entries.append(measured[0])
            n_cut += measured[1]
        if len(entries) == N_PROMPT:
            return entries, n_cut, n_left_out
    raise SystemExit(f"{len(prompts)} prompts fit the context, {n_left_out} of them have a near tie of experts; "
                     f"{N_PROMPT} must remain: give more prompts")


def write_fixture(path, name, entries, n_cut, n_left_out):
    head = json.dumps({"model": name, "stride": STRIDE, "n_cut_short": n_cut, "n_left_out": n_left_out})[:-1]
    body = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head}, "prompts": [\n{body}]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("fixture", type=Path)
    parser.add_argument("--prompts", type=Path, help="default: random tokens")
    parser.add_argument("--gguf-py")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_gguf(args.model, args.gguf_py)
    c = model.config
    prompts = read_prompts(args.prompts, c.n_context) if args.prompts else random_prompts(c.n_vocab)
    entries, n_cut, n_left_out = measure_all(model, prompts)
    write_fixture(args.fixture, args.model.stem, entries, n_cut, n_left_out)
    print(f"{args.fixture}: {len(entries)} prompts, {sum(len(e['greedy']) for e in entries)} greedy tokens; {n_cut} cut short "
          f"at a near tie, {n_left_out} left out for a near tie of experts")


if __name__ == "__main__":
    main()
