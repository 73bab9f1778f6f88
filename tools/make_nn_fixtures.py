#!/usr/bin/env python3
"""Writes the PyTorch reference results for tests/nn and tests/stage (torch 1.13 or later).

Usage: tools/make_nn_fixtures.py [output folder, default tests/nn/fixtures]

Inputs are representable as half precision, weights as float; PyTorch computes in double.
surrogate.json: gradients, steps and curves of a small network. training_runs.json: complete runs of
train_surrogate, with the initial weights and the order of batches that its seed gives.
"""

import json
import pathlib
import sys

import torch

from our_random import Rng, mix_seed

N_LAYER, N_EXPERT, N_PROJ, N_HIDDEN = 3, 6, 4, 5
LENGTHS = [1, 4, 2, 7, 3, 5]
LABELS = [1, 0, 1, 1, 0, 0]
# PyTorch's names in the order of src/nn/surrogate_layout.h.
TENSORS = [
    "norm.weight", "norm.bias", "proj.weight", "proj.bias", "lstm.weight_ih_l0",
    "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0", "out.weight", "out.bias",
]


class Surrogate(torch.nn.Module):
    def __init__(self, n_layer, n_expert, n_proj, n_hidden):
        super().__init__()
        self.norm = torch.nn.LayerNorm(n_expert)
        self.proj = torch.nn.Linear(n_expert, n_proj)
        self.lstm = torch.nn.LSTM(n_layer * n_proj, n_hidden, batch_first=True)
        self.out = torch.nn.Linear(n_hidden, 1)

    def forward(self, sequences):
        """One logit per [T, L, E] sequence; each runs alone, so no padding is needed."""
        logits = []
        for z in sequences:
            x = self.proj(self.norm(z)).reshape(1, z.shape[0], -1)
            states, _ = self.lstm(x)
            logits.append(self.out(states[0, -1]).reshape(()))
        return torch.stack(logits)


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().reshape(-1).tolist()]


def parameters(model):
    named = dict(model.named_parameters())
    return [named[name] for name in TENSORS]


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def make_model():
    model = Surrogate(N_LAYER, N_EXPERT, N_PROJ, N_HIDDEN)
    with torch.no_grad():
        for parameter in model.parameters():  # so that gain and bias are not 1 and 0
            parameter += 0.2 * torch.randn_like(parameter)
    return model.double()


def make_sequences():
    return [
        (1.5 * torch.randn(n, N_LAYER, N_EXPERT)).half().double() for n in LENGTHS
    ]


def bce(logits, labels):
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)


def gradients(model, sequences):
    inputs = [z.clone().requires_grad_() for z in sequences]
    model.zero_grad()
    logits = model(inputs)
    loss = bce(logits, torch.tensor(LABELS, dtype=torch.float64))
    loss.backward()
    return {
        "logits": numbers(logits),
        "loss": loss.item(),
        "d_values": numbers(flat([p.grad for p in parameters(model)])),
        "d_input": [numbers(z.grad) for z in inputs],
    }


def token_sigma(z):
    return z.std(dim=-1, unbiased=False)


def layer_sigma(sequences):
    return torch.stack([token_sigma(z).mean(dim=0) for z in sequences]).mean(dim=0)


def spread(sequences, rule):
    """[T, L, 1] or [L, 1] per sequence."""
    if rule == "token":
        return [token_sigma(z).unsqueeze(-1) for z in sequences]
    return [layer_sigma(sequences).unsqueeze(-1) for _ in sequences]


def divergence(sequences, sigma, steer):
    total, count = 0.0, 0
    for z, s in zip(sequences, sigma):
        base = torch.log_softmax(z, dim=-1)
        steered = torch.log_softmax(z + s * steer, dim=-1)
        total = total + (base.exp() * (base - steered)).sum()
        count += z.shape[0] * z.shape[1]
    return total / count


def steered_loss(model, sequences, sigma, steer, target):
    logits = model([z + s * steer for z, s in zip(sequences, sigma)])
    return bce(logits, torch.full_like(logits, target))


def steering_gradients(model, sequences, steer, target):
    result = {"target": target, "steer": numbers(steer), "layer_sigma": numbers(layer_sigma(sequences))}
    for rule in ("token", "calibrated"):
        sigma = spread(sequences, rule)
        matrix = steer.clone().requires_grad_()
        loss = steered_loss(model, sequences, sigma, matrix, target)
        (d_steer,) = torch.autograd.grad(loss, matrix)
        kl = divergence(sequences, sigma, matrix)
        (d_kl,) = torch.autograd.grad(kl, matrix)
        result[rule] = {
            "loss": loss.item(), "d_steer": numbers(d_steer),
            "divergence": kl.item(), "d_divergence": numbers(d_kl),
        }
    return result


def train_curve(model, sequences, n_step, learning_rate):
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    labels = torch.tensor(LABELS, dtype=torch.float64)
    losses = []
    for _ in range(n_step):
        optimiser.zero_grad()
        loss = bce(model(sequences), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return {"learning_rate": learning_rate, "losses": losses}


def steer_curve(model, sequences, options):
    target, preserve = options["target_traces"], options["preserve_traces"]
    picked = [sequences[i] for i in target]
    kept = [sequences[i] for i in preserve]
    steer = torch.zeros(N_LAYER, N_EXPERT, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([steer], lr=options["learning_rate"])
    losses, divergences = [], []
    for _ in range(options["n_epoch"]):
        optimiser.zero_grad()
        loss = steered_loss(model, picked, spread(picked, "token"), steer, options["target"])
        kl = divergence(kept, spread(kept, "token"), steer)
        (loss + options["preserve"] * kl + options["lambda"] * steer.abs().sum()).backward()
        optimiser.step()
        losses.append(loss.item())
        divergences.append(kl.item())
    return {**options, "losses": losses, "divergences": divergences, "steer": numbers(steer)}


def adam_steps():
    values = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([values], lr=0.05)
    result = {"learning_rate": 0.05, "start": numbers(values), "gradients": [], "values": []}
    for _ in range(5):
        gradient = torch.randn(4, dtype=torch.float64) * torch.tensor([1.0, 100.0, 1e-3, 0.0])
        values.grad = gradient.clone()
        optimiser.step()
        result["gradients"].append(numbers(gradient))
        result["values"].append(numbers(values))
    return result


# Streams of src/stage/train.cpp.
INITIAL_STREAM, ORDER_STREAM = 1, 3


def initial_model(shape, seed):
    """The weights that src/nn/surrogate_layout.cpp starts from."""
    model = Surrogate(shape["n_layer"], shape["n_expert"], shape["n_proj"], shape["n_hidden"])
    rng = Rng(mix_seed(seed, INITIAL_STREAM))
    with torch.no_grad():
        for name, parameter in zip(TENSORS, parameters(model)):
            fan_in = shape["n_expert"] if name.startswith("proj") else shape["n_hidden"]
            width = 0.0 if name.startswith("norm") else 1.0 / fan_in**0.5
            centre = 1.0 if name == "norm.weight" else 0.0
            drawn = [centre + width * (2.0 * rng.uniform() - 1.0) for _ in range(parameter.numel())]
            parameter.copy_(torch.tensor(drawn, dtype=torch.float64).float().reshape(parameter.shape))
    return model.double()


def planted_traces(shape, n_trace):
    """Multiples of 1/16; one expert predicts the label; lengths 1 to 5."""
    sequences = []
    for i in range(n_trace):
        z = torch.randn(1 + i * 7 % 5, shape["n_layer"], shape["n_expert"], dtype=torch.float64)
        z[:, 1, 5] += 1.0 if i % 2 == 1 else -1.0
        sequences.append((z * 16).round() / 16)
    return sequences


def run_losses(shape, seed, sequences, n_batch, learning_rate):
    """Mean loss of every epoch: shuffled batches, Adam."""
    model = initial_model(shape, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    rng = Rng(mix_seed(seed, ORDER_STREAM))
    order, losses = list(range(len(sequences))), []
    for _ in range(50):
        rng.shuffle(order)
        total = 0.0
        for begin in range(0, len(order), n_batch):
            batch = order[begin:begin + n_batch]
            optimiser.zero_grad()
            labels = torch.tensor([i % 2 for i in batch], dtype=torch.float64)
            loss = bce(model([sequences[i] for i in batch]), labels)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch) / len(order)
        losses.append(total)
    return losses


def training_run(n_layer, n_expert, seed):
    shape = {"n_layer": n_layer, "n_expert": n_expert, "n_proj": 16, "n_hidden": 64}
    torch.manual_seed(seed)
    sequences = planted_traces(shape, 16)
    return {
        "shape": shape, "seed": seed, "labels": [i % 2 for i in range(16)],
        "sequences": [z.reshape(-1).tolist() for z in sequences],
        "curves": [{"n_batch": n_batch, "learning_rate": rate,
                    "losses": run_losses(shape, seed, sequences, n_batch, rate)}
                   for n_batch, rate in ((16, 0.003), (5, 0.01))],
    }


def write(path, value):
    path.write_text(json.dumps(value, indent=0) + "\n")
    print(path)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "nn" / "fixtures"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    model, sequences = make_model(), make_sequences()
    steer = 0.3 * torch.randn(N_LAYER, N_EXPERT).float().double()
    fixture = {
        "made_by": "tools/make_nn_fixtures.py, torch " + torch.__version__,
        "shape": {"n_layer": N_LAYER, "n_expert": N_EXPERT, "n_proj": N_PROJ, "n_hidden": N_HIDDEN},
        "values": flat(parameters(model)).tolist(),
        "sequences": [z.reshape(-1).tolist() for z in sequences],
        "labels": LABELS,
        "gradients": gradients(model, sequences),
        "steering": steering_gradients(model, sequences, steer, 0),
        "adam": adam_steps(),
        "steer_curve": steer_curve(model, sequences, {
            "target": 0, "target_traces": [0, 2, 3], "preserve_traces": [1, 4, 5],
            "learning_rate": 0.05, "lambda": 0.003, "preserve": 0.5, "n_epoch": 12,
        }),
    }
    fixture["train_curve"] = train_curve(model, sequences, 50, 0.01)  # last, because it changes the model
    write(folder / "surrogate.json", fixture)
    # Fewer and more experts than the projection's width: src/nn computes the two cases differently.
    write(folder / "training_runs.json", [training_run(3, 8, 11), training_run(2, 20, 12)])


if __name__ == "__main__":
    main()
