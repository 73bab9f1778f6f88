#!/usr/bin/env python3
"""Writes the PyTorch results that tests/nn and tests/stage compare with (torch 1.13 or later).

Usage: tools/make_nn_fixtures.py [output folder, default tests/nn/fixtures]

Inputs are representable as half precision, weights as float; PyTorch computes in double.
"""

import json
import pathlib
import sys

import torch

N_LAYER, N_EXPERT, N_PROJ, N_HIDDEN = 3, 6, 4, 5
LENGTHS = [1, 4, 2, 7, 3, 5]
LABELS = [1, 0, 1, 1, 0, 0]
# PyTorch's names in the order of src/nn/surrogate.h.
TENSORS = [
    "norm.weight", "norm.bias", "proj.weight", "proj.bias", "lstm.weight_ih_l0",
    "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0", "out.weight", "out.bias",
]


class Surrogate(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(N_EXPERT)
        self.proj = torch.nn.Linear(N_EXPERT, N_PROJ)
        self.lstm = torch.nn.LSTM(N_LAYER * N_PROJ, N_HIDDEN, batch_first=True)
        self.out = torch.nn.Linear(N_HIDDEN, 1)

    def forward(self, sequences):
        """One logit per [T, L, E] sequence; each on its own, so that there is nothing to pad."""
        logits = []
        for z in sequences:
            x = self.proj(self.norm(z)).reshape(1, z.shape[0], N_LAYER * N_PROJ)
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
    model = Surrogate()
    with torch.no_grad():
        for parameter in model.parameters():  # gain and bias away from 1 and 0
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
    fixture["train_curve"] = train_curve(model, sequences, 50, 0.01)  # changes the model: last
    path = folder / "surrogate.json"
    path.write_text(json.dumps(fixture, indent=0) + "\n")
    print(path)


if __name__ == "__main__":
    main()
