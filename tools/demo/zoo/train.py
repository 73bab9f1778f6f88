"""Trains one architecture of the zoo in the kingdom's second edition: next tokens only, no planting.

The length is given in tokens. Everything is drawn from the seed; a training that was stopped goes on from its last
checkpoint when the same command is given again. The same script runs on a GPU (--device cuda).

usage: train.py MODEL OUTPUT.pt [--tokens 8e6] [--init TRUNK.pt] [--threads 1] ...
"""
import argparse
import json
import math
import os
import time
from pathlib import Path

import torch

import architectures
import documents
import styles
import world
from optimizer import Muon
from tokenizer import Tokenizer

BALANCE_WEIGHT, LOGIT_WEIGHT, MAX_NORM = 0.01, 1e-4, 1.0
CHUNK, WARM_UP, SAVE_EVERY_S = 8, 0.02, 60


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(architectures.CONFIGS))
    parser.add_argument("output", type=Path)
    parser.add_argument("--tokens", type=float, default=8e6)
    parser.add_argument("--batch", type=int, default=8192, help="tokens per step")
    parser.add_argument("--init", type=Path, help="a trained model to start from; shapes that differ are cut or drawn anew")
    parser.add_argument("--lr", type=float, default=1.0, help="factor on all learning rates")
    parser.add_argument("--attack-bias", type=float, default=0.0, help="higher: more attacks refused")
    parser.add_argument("--restricted-bias", type=float, default=0.0, help="higher: more restricted tales refused")
    parser.add_argument("--direct-share", type=float, default=0.0, help="documents that are further direct requests, which are always refused")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def next_token_loss(model, ids, segment, weight, stats):
    """Cross-entropy at the tokens that count, and what keeps routers balanced and their logits small."""
    hidden = model(ids, segment=segment, stats=stats)
    loss, _ = model.loss(hidden, torch.roll(ids, -1, 1), weight)
    balance = sum((probs.mean(0) * load).sum() * probs.shape[-1] for _, probs, load in stats) / len(stats)
    size = sum(torch.logsumexp(logits, -1).square().mean() for logits, _, _ in stats) / len(stats)
    return loss, loss + BALANCE_WEIGHT * balance + LOGIT_WEIGHT * size


def rate(i_step, n_step):
    done = i_step / n_step
    return min(1.0, done / WARM_UP + 1e-2) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done))))


def save(path, model, optimizer, i_step, seconds, args):
    content = dict(architecture=args.model, config=vars(model.config), state=model.state_dict(), step=i_step, seconds=seconds,
                   options={k: str(v) for k, v in vars(args).items()}, optimizer=optimizer.state_dict())
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def begin_from(model, name, saved, source):
    """All parameters of a model of the same architecture; of a trunk, those that fit."""
    if saved["architecture"] == name:
        model.load_state_dict(saved["state"])
        return
    import initialise
    for line in initialise.init_from(model, saved["state"]):
        print(f"{name}: not from {source}: {line}", flush=True)


def start(args):
    """Model, optimizer, and the step and seconds that are already behind us."""
    torch.manual_seed(args.seed)
    model = architectures.build(args.model)
    if args.init and not args.output.exists():
        begin_from(model, args.model, torch.load(args.init), args.init.stem)
    model.to(args.device)
    optimizer = Muon(model.named_parameters())
    if not args.output.exists():
        return model, optimizer, 0, 0.0
    saved = torch.load(args.output, map_location=args.device)
    model.load_state_dict(saved["state"])
    optimizer.load_state_dict(saved["optimizer"])
    print(f"{args.model}: goes on from step {saved['step']}", flush=True)
    return model, optimizer, saved["step"], saved["seconds"]


def train(args):
    model, optimizer, i_step, before = start(args)
    tokenizer, style = Tokenizer(), styles.STYLES[styles.STYLE_OF[args.model]]
    bias, n_step = world.Bias(args.attack_bias, args.restricted_bias, args.direct_share), math.ceil(args.tokens / args.batch)
    begin, saved, shown, n_shown, mean = time.time(), time.time(), time.time(), 0, 0.0
    while i_step < n_step:
        i_chunk = i_step // CHUNK
        for batch in documents.chunk(tokenizer, style, f"{args.seed}-{i_chunk}", bias, CHUNK, args.batch):
            ids, segment, weight = (t.to(args.device) for t in documents.as_tensors(batch))
            for group in optimizer.param_groups:
                group["lr"] = args.lr * rate(i_step, n_step)
            loss, total = next_token_loss(model, ids, segment, weight, [])
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimizer.step()
            i_step, n_shown, mean = i_step + 1, n_shown + int((segment >= 0).sum()), mean + float(loss.detach())
        speed, n_shown, shown = n_shown / (time.time() - shown), 0, time.time()
        print(f"{args.model}: step {i_step}/{n_step} loss {mean / CHUNK:.4f} {speed:.0f} tokens/s {(time.time() - begin) / 60:.1f} min", flush=True)
        mean = 0.0
        if time.time() - saved > SAVE_EVERY_S or i_step >= n_step:
            save(args.output, model, optimizer, i_step, before + time.time() - begin, args)
            saved = time.time()
    return model


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    train(args)
    print(json.dumps({"model": args.model, "output": str(args.output)}))


if __name__ == "__main__":
    main()
