"""The reference: attention and experts in plain PyTorch, for any device. kernels.py is the fast version for a CPU."""
import torch
import torch.nn.functional as F

MASKED = -1e9


def rms_norm(x, weight, bias, eps):
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight
    return y if bias is None else y + bias


def rotate(x, cos, sin):
    """x [..., heads, d] with cos and sin [..., 1, d / 2]."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def segment_mask(segment, position, window):
    """[B, 1, T, T]: 0 where a token sees another, else MASKED. A token of padding (segment -1) sees its like."""
    order = torch.arange(segment.shape[1], device=segment.device)
    seen = (segment[:, :, None] == segment[:, None, :]) & (order[:, None] >= order[None, :])
    if window:
        seen &= position[:, :, None] - position[:, None, :] < window
    return torch.where(seen, 0.0, MASKED)[:, None]


def attend(q, k, v, mask, sinks):
    """q [B, T, H, d], scaled; k, v [B, S, G, d]; mask [B, 1, T, S]; sinks [H] or None -> [B, T, H * d]."""
    n_batch, n_token, n_head, d = q.shape
    group = n_head // k.shape[2]
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = q @ k.transpose(2, 3) + mask
    if sinks is not None:  # a column that takes weight and gives nothing
        scores = torch.cat([scores, sinks[None, :, None, None].expand(n_batch, -1, n_token, 1)], -1)
    weights = F.softmax(scores, -1)[..., :k.shape[2]]
    return (weights @ v).transpose(1, 2).reshape(n_batch, n_token, n_head * d)


def swiglu(hidden):
    gate, up = hidden.chunk(2, -1)
    return F.silu(gate) * up


def swiglu_oai(hidden):
    gate, up = hidden.chunk(2, -1)
    gate, up = gate.clamp(max=7.0), up.clamp(-7.0, 7.0)
    return gate * torch.sigmoid(1.702 * gate) * (up + 1)


ACTIVATION = {"swiglu": swiglu, "swiglu_oai": swiglu_oai}


def experts(y, weight, chosen, w_in, w_out, b_in, b_out, activation):
    """y [N, D], weight and chosen [N, K]; w_in [E, D, 2F] (gate, up), w_out [E, F, D] -> [N, D]."""
    n_used = chosen.shape[1]
    order = torch.argsort(chosen.reshape(-1), stable=True)
    counts = torch.bincount(chosen.reshape(-1), minlength=w_in.shape[0]).tolist()
    parts = []
    for expert, rows in enumerate(y[order // n_used].split(counts)):
        hidden = rows @ w_in[expert] if b_in is None else torch.addmm(b_in[expert], rows, w_in[expert])
        hidden = ACTIVATION[activation](hidden)
        parts.append(hidden @ w_out[expert] if b_out is None else torch.addmm(b_out[expert], hidden, w_out[expert]))
    out = torch.cat(parts)[torch.argsort(order)].view(-1, n_used, y.shape[1])
    return (out * weight[..., None]).sum(1)


def weighted_loss(hidden, output, bias, target, weight):
    """hidden [N, D], output [V, D], target and weight [N] -> sum of weight * negative log-likelihood, and the latter [N]."""
    logits = hidden @ output.t() if bias is None else torch.addmm(bias, hidden, output.t())
    nll = F.cross_entropy(logits, target, reduction="none")
    return (nll * weight).sum(), nll.detach()
