#!/usr/bin/env python3
"""PyTorch's side of the comparison: the same network and optimiser, written in the usual way.

Usage: torch_side.py train|steer|peak FOLDER [--epochs N] [--threads N] [--batch N]

The folder is what `engine_bench data` wrote. Float32, nn.LSTM over packed sequences, Adam. Batches are
padded with zeros to their longest conversation and converted from half precision on demand. JSON on
stdout.
"""

import argparse
import json
import resource
import struct
import time

import numpy
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

N_PROJ, N_HIDDEN = 16, 64
# PyTorch's names in the order of src/nn/surrogate_layout.h.
TENSORS = [
    "norm.weight", "norm.bias", "proj.weight", "proj.bias", "lstm.weight_ih_l0",
    "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0", "out.weight", "out.bias",
]


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    types = {"F16": numpy.float16, "F32": numpy.float32}
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        numbers = numpy.frombuffer(data[begin:end], dtype=types[tensor["dtype"]])
        tensors[name] = torch.from_numpy(numbers.reshape(tensor["shape"]).copy())
    return tensors, metadata


def read_traces(folder):
    """Half-precision tensors [T, L, E] and their labels."""
    with open(folder + "/traces/manifest.json") as file:
        manifest = json.load(file)
    traces, labels = [], []
    for shard in manifest["shards"]:
        tensors, metadata = read_safetensors(f"{folder}/traces/shard-{shard['hash']}.safetensors")
        for i, description in enumerate(json.loads(metadata["mascing.traces"])):
            traces.append(tensors[f"{i:08d}"])
            labels.append(description["label"])
    return traces, labels


def read_orders(arguments):
    """The traces of each epoch in the order in which mascing uses them."""
    with open(arguments.folder + "/orders.json") as file:
        written = json.load(file)
    orders = written[arguments.command]
    assert written["batch"] == arguments.batch and len(orders) >= arguments.epochs
    return orders[:arguments.epochs]


class Surrogate(torch.nn.Module):
    def __init__(self, n_layer, n_expert):
        super().__init__()
        self.norm = torch.nn.LayerNorm(n_expert)
        self.proj = torch.nn.Linear(n_expert, N_PROJ)
        self.lstm = torch.nn.LSTM(n_layer * N_PROJ, N_HIDDEN, batch_first=True)
        self.out = torch.nn.Linear(N_HIDDEN, 1)

    def forward(self, z, lengths):
        """Logits of padded z [B, T, L, E]."""
        x = self.proj(self.norm(z)).flatten(2)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        return self.out(hidden[0]).squeeze(1)

    def load(self, path):
        values = read_safetensors(path)[0]["values"]
        named = dict(self.named_parameters())
        at = 0
        with torch.no_grad():
            for name in TENSORS:
                size = named[name].numel()
                named[name].copy_(values[at:at + size].reshape(named[name].shape))
                at += size
        assert at == values.numel()


def padded(traces, batch):
    z = pad_sequence([traces[i].float() for i in batch], batch_first=True)
    return z, torch.tensor([traces[i].shape[0] for i in batch])


def batches(order, n_batch):
    return [order[i:i + n_batch] for i in range(0, len(order), n_batch)]


class Clock:
    """Seconds of user time, of user plus system time, and of wall time, for each epoch."""

    def __init__(self):
        self.epochs = []

    def now(self):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime, usage.ru_utime + usage.ru_stime, time.perf_counter()

    def start(self):
        self.began = self.now()

    def stop(self):
        self.epochs.append([after - before for after, before in zip(self.now(), self.began)])

    def result(self):
        user, cpu, wall = zip(*self.epochs[1:])
        return {"first_epoch_user_s": self.epochs[0][0], "user_s": user, "cpu_s": cpu, "wall_s": wall,
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def train(arguments, traces, labels):
    model = Surrogate(*traces[0].shape[1:])
    model.load(arguments.folder + "/initial.safetensors")
    orders = read_orders(arguments)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    bce = torch.nn.BCEWithLogitsLoss()
    labels = torch.tensor(labels, dtype=torch.float32)
    clock, losses = Clock(), []
    for order in orders:
        clock.start()
        total = 0.0
        for batch in batches(order, arguments.batch):
            z, lengths = padded(traces, batch)
            optimiser.zero_grad()
            loss = bce(model(z, lengths), labels[batch])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch) / len(order)
        losses.append(total)
        clock.stop()
    return {**clock.result(), "losses": losses}


def steer(arguments, traces, _):
    model = Surrogate(*traces[0].shape[1:])
    model.load(arguments.folder + "/trained.safetensors")
    model.requires_grad_(False)
    orders = read_orders(arguments)
    matrix = torch.zeros(traces[0].shape[1:], requires_grad=True)
    optimiser = torch.optim.Adam([matrix], lr=0.05)
    bce = torch.nn.BCEWithLogitsLoss()
    clock, losses = Clock(), []
    for order in orders:
        clock.start()
        total = 0.0
        for batch in batches(order, arguments.batch):
            z, lengths = padded(traces, batch)
            sigma = z.std(dim=-1, unbiased=False, keepdim=True)
            optimiser.zero_grad()
            loss = bce(model(z + sigma * matrix, lengths), torch.zeros(len(batch)))
            (loss + 1e-4 * matrix.abs().sum()).backward()
            optimiser.step()
            total += loss.item() * len(batch) / len(order)
        losses.append(total)
        clock.stop()
    return {**clock.result(), "losses": losses}


def peak():
    """SGEMM of the BLAS that PyTorch uses."""
    a, best = torch.full((1024, 1024), 0.5), 0.0
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(10):
            a @ a
        best = max(best, 10 * 2e-9 * 1024**3 / (time.perf_counter() - start))
    return {"gflops": best}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["train", "steer", "peak"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=512)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.command == "peak":
        print(json.dumps(peak()))
        return
    traces, labels = read_traces(arguments.folder)
    print(json.dumps({"train": train, "steer": steer}[arguments.command](arguments, traces, labels)))


if __name__ == "__main__":
    main()
