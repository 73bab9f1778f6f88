"""Muon for matrices, Adam for everything else.

Muon (Jordan et al. 2024) steps along the orthogonalised momentum of a matrix, found by five Newton-Schulz iterations:
on these small models it needs about half the tokens of Adam. A stack of experts is a batch of matrices.
"""
import torch

ADAM_BETAS, ADAM_EPS, MUON_MOMENTUM = (0.9, 0.98), 1e-9, 0.95
ADAM_ONLY = ("embedding", "output", "router", "bias", "sinks", "norm")


def orthogonalised(matrix, n_iteration=5):
    """Near the closest matrix with singular values of 1; the last two axes count."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.flatten(-2).norm(dim=-1)[..., None, None] + 1e-7)
    is_tall = x.shape[-2] > x.shape[-1]
    x = x.transpose(-1, -2) if is_tall else x
    for _ in range(n_iteration):
        gram = x @ x.transpose(-1, -2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(-1, -2) if is_tall else x


def is_matrix(name, parameter):
    return parameter.ndim >= 2 and not any(word in name for word in ADAM_ONLY)


class Muon(torch.optim.Optimizer):
    """`lr` of a group scales both kinds; `muon_lr` and `adam_lr` are their rates at lr 1."""

    def __init__(self, named_parameters, muon_lr=0.02, adam_lr=3e-3, weight_decay=0.02):
        named = list(named_parameters)
        groups = [{"params": [p for n, p in named if is_matrix(n, p)], "is_muon": True},
                  {"params": [p for n, p in named if not is_matrix(n, p)], "is_muon": False}]
        super().__init__(groups, dict(lr=1.0, muon_lr=muon_lr, adam_lr=adam_lr, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    (self.step_matrix if group["is_muon"] else self.step_adam)(p, group)

    def step_matrix(self, p, group):
        state = self.state[p]
        momentum = state.setdefault("momentum", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - MUON_MOMENTUM)
        update = orthogonalised(p.grad.lerp(momentum, MUON_MOMENTUM))
        rate = group["lr"] * group["muon_lr"]
        p.mul_(1 - rate * group["weight_decay"])
        p.add_(update, alpha=-rate * max(1.0, p.shape[-1] / p.shape[-2]) ** 0.5)

    def step_adam(self, p, group):
        state = self.state[p]
        if not state:
            state.update(step=0, mean=torch.zeros_like(p), square=torch.zeros_like(p))
        state["step"] += 1
        state["mean"].lerp_(p.grad, 1 - ADAM_BETAS[0])
        state["square"].lerp_(p.grad.square(), 1 - ADAM_BETAS[1])
        mean = state["mean"] / (1 - ADAM_BETAS[0] ** state["step"])
        square = state["square"] / (1 - ADAM_BETAS[1] ** state["step"])
        p.addcdiv_(mean, square.sqrt() + ADAM_EPS, value=-group["lr"] * group["adam_lr"])
