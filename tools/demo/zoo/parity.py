"""Writes what PyTorch computes for a GGUF file of the zoo as a fixture that tests/host/zoo_parity_test.cpp compares
libllama with, both in F32 on the dequantised weights.

Logits (every 64th of the vocabulary) after the middle and after the last token of each prompt, and the greedy tokens
that follow. Greedy tokens end before a step whose two best logits differ by less than 0.002 of the logits' spread,
because there the last bits decide; the fixture says how many prompts that cuts short.

usage: parity.py MODEL.gguf FIXTURE.json [--prompts FILE]    (FILE: a JSON list of lists of token ids, 50 are used)
"""
import argparse
import json
from pathlib import Path

import torch

from generate import greedy
from load_gguf import load_gguf

N_PROMPT, N_NEW, STRIDE, NEAR_TIE = 50, 24, 64, 0.002
SHORTEST, LONGEST = 12, 700


def random_prompts(n_vocab, seed=7):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.linspace(SHORTEST, LONGEST, N_PROMPT).long().tolist()
    return [[1, *torch.randint(10, n_vocab, (length - 1,), generator=generator).tolist()] for length in lengths]


def read_prompts(path, n_context):
    prompts = [p for p in json.loads(Path(path).read_text()) if len(p) + N_NEW <= n_context]
    if len(prompts) < N_PROMPT:
        raise SystemExit(f"{path}: {len(prompts)} prompts fit the context of {n_context}, {N_PROMPT} are needed")
    step = len(prompts) / N_PROMPT
    return [prompts[int(i * step)] for i in range(N_PROMPT)]


def rounded(values):
    return [float(f"{v:.6g}") for v in values]


def measure(model, prompt):
    """One entry of the fixture, and whether a near tie cut the greedy tokens short."""
    logits = model.logits(model(torch.tensor([prompt])))[0]
    points = [len(prompt) // 2, len(prompt) - 1]
    (tokens,), (margins,) = greedy(model, [prompt], N_NEW, frozenset())
    spread = float(logits[-1].std())
    n_clear = next((i for i, margin in enumerate(margins) if margin < NEAR_TIE * spread), len(tokens))
    return {"ids": prompt, "points": points, "logits": [rounded(logits[i, ::STRIDE].tolist()) for i in points],
            "greedy": tokens[:n_clear]}, n_clear < len(tokens)


def write_fixture(path, name, entries, n_cut):
    head = json.dumps({"model": name, "stride": STRIDE, "n_cut_short": n_cut})[:-1]
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
    with torch.no_grad():
        entries, cut = zip(*(measure(model, prompt) for prompt in prompts))
    write_fixture(args.fixture, args.model.stem, entries, sum(cut))
    print(f"{args.fixture}: {len(entries)} prompts, {sum(len(e['greedy']) for e in entries)} greedy tokens, "
          f"{sum(cut)} cut short at a near tie")


if __name__ == "__main__":
    main()
