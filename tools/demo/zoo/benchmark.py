"""Tokens per second of forward, loss and backward on rows of 1,024 packed tokens, by CPU time of one core;
the best of some steps, because other programs slow a shared core down.

usage: benchmark.py [NAME ...] [--profile]
"""
import blas  # noqa: F401, before PyTorch
import argparse
import time

import torch

from architectures import build
from configs import CONFIGS

N_ROW, N_TOKEN, N_STEP = 8, 1024, 6


def packed_batch(n_row=N_ROW, n_token=N_TOKEN):
    """Documents of 100 to 700 tokens, 350 in the middle."""
    ids, segment = torch.randint(2048, (n_row, n_token)), torch.full((n_row, n_token), -1)
    positions = torch.zeros_like(ids)
    for row in range(n_row):
        start, number = 0, 0
        while n_token - start >= 100:
            length = min(int(torch.randn(()) * 130 + 350), n_token - start)
            length = max(100, min(700, length))
            length = min(length, n_token - start)
            segment[row, start:start + length], positions[row, start:start + length] = number, torch.arange(length)
            start, number = start + length, number + 1
    return ids, positions, segment


def step(model, batch):
    ids, positions, segment = batch
    stats = []
    hidden = model(ids, positions, segment, stats)
    loss, _ = model.loss(hidden, ids, (segment >= 0).float())
    loss = loss + 0.01 * sum((probs.mean(0) * load).sum() for _, probs, load in stats)
    loss.backward()


def measure(name, n_step=N_STEP):
    torch.manual_seed(0)
    model, batch = build(name), packed_batch()
    step(model, batch)
    best = float("inf")
    for _ in range(n_step):
        model.zero_grad(set_to_none=True)
        start = time.process_time()
        step(model, batch)
        best = min(best, time.process_time() - start)
    return int((batch[2] >= 0).sum()) / best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CONFIGS))
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in args.names or CONFIGS:
        if args.profile:
            with torch.autograd.profiler.profile() as profile:
                measure(name, 1)
            print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=22, max_name_column_width=40))
        print(f"{name:14} {measure(name):8.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
