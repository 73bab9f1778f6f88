"""Compares kernels.py with plain.py: outputs and gradients of every architecture on packed rows. Exits with 1 if they differ."""
import blas  # noqa: F401, before PyTorch
import torch

import kernels
from architectures import build
from configs import CONFIGS

TOLERANCE = 2e-4


def perturb(model, seed=0):
    """Biases, norms and sinks away from 0 and 1, so that each of them shows; routers with an opinion."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1 or "bias" in name or name.endswith(("b_in", "b_out")):
                p.add_(0.1 * noise)
            elif "router" in name:
                p.copy_(noise * 1.5 / p.shape[0]**0.5)
            elif name.endswith(("w_in", "w_out", "qkv", "out")):
                p.copy_(noise / p.shape[-2]**0.5)
            elif name == "embedding":
                p.copy_(noise)
    return model


def packed_rows(n_row=3, n_token=300, n_vocab=2048, seed=1):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(n_vocab, (n_row, n_token), generator=generator)
    segment, positions = torch.full_like(ids, -1), torch.zeros_like(ids)
    for row, lengths in enumerate([(300,), (1, 170, 100), (140, 150)][:n_row]):
        start = 0
        for number, length in enumerate(lengths):
            segment[row, start:start + length] = number
            positions[row, start:start + length] = torch.arange(length)
            start += length
    return ids, positions, segment


def outcome(model, batch, library):
    kept, kernels.LIBRARY = kernels.LIBRARY, library
    try:
        model.zero_grad()
        is_real = batch[2] >= 0
        hidden = model(*batch) * is_real[..., None]
        generator = torch.Generator().manual_seed(2)
        loss, nll = model.loss(hidden, batch[0].roll(-1, 1), torch.rand(is_real.shape, generator=generator) * is_real)
        (loss + (hidden * torch.randn(hidden.shape, generator=generator)).sum() / 100).backward()
        return {"hidden": hidden.detach(), "nll": nll, **{n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}}
    finally:
        kernels.LIBRARY = kept


def main():
    torch.set_num_threads(1)
    if kernels.LIBRARY is None:
        raise SystemExit("the kernels are off: there is nothing to compare")
    worst = 0.0
    for name in CONFIGS:
        torch.manual_seed(3)
        model, batch = perturb(build(name)), packed_rows()
        fast, reference = (outcome(model, batch, library) for library in (kernels.LIBRARY, None))
        errors = {key: float((fast[key] - reference[key]).norm() / reference[key].norm().clamp(min=1e-9)) for key in reference}
        key = max(errors, key=errors.get)
        print(f"{name:14} hidden {errors['hidden']:.1e}  worst gradient {errors[key]:.1e} ({key})")
        worst = max(worst, errors[key])
    if not worst < TOLERANCE:
        raise SystemExit(f"kernels and reference differ by {worst:.1e}; {TOLERANCE:.0e} is allowed")


if __name__ == "__main__":
    main()
