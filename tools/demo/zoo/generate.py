"""Greedy replies to many prompts at once, with a cache of keys and values. For measuring, not for training."""
import torch
import torch.nn.functional as F

import plain
from packing import Packing, rope_rows


class Cache:
    """Keys and values of every layer [B, T, G, d]; `length` [B] says how many positions are filled."""

    def __init__(self, config, n_batch, n_token, device):
        shape = (config.n_layer, n_batch, n_token, config.n_head_kv, config.d_head)
        self.keys, self.values = torch.zeros(shape, device=device), torch.zeros(shape, device=device)
        self.length = torch.zeros(n_batch, dtype=torch.long, device=device)

    def mask(self, window):
        """What the token at position `length` sees, itself included: [B, 1, 1, T]."""
        position = torch.arange(self.keys.shape[2], device=self.length.device)
        last = self.length[:, None]
        seen = position <= last
        if window:
            seen &= last - position < window
        return torch.where(seen, 0.0, plain.MASKED)[:, None, None]


def prefill(model, prompts, cache):
    """Fills the cache and returns the hidden states of the last tokens [B, D]. Prompts are packed one after the other."""
    device = model.embedding.device
    ids = torch.tensor([[t for prompt in prompts for t in prompt]], device=device)
    segment = torch.tensor([[i for i, prompt in enumerate(prompts) for _ in prompt]], device=device)
    positions = torch.tensor([[i for prompt in prompts for i in range(len(prompt))]], device=device)
    packing = Packing(model.config, ids, positions, segment, keeps_padding=True)
    x = F.embedding(ids, model.embedding)
    for i_layer, layer in enumerate(model.layers):
        _, k, v = layer.attention.split(layer.attention.project(x), *packing.rope)
        cache.keys[i_layer, segment[0], positions[0]] = k[0]
        cache.values[i_layer, segment[0], positions[0]] = v[0]
        x = layer(x, packing)
    cache.length = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return model.norm(x[0, cache.length.cumsum(0) - 1])


def step(model, ids, cache):
    """One more token for each sequence, ids [B] -> hidden [B, D]."""
    c, rows = model.config, torch.arange(len(ids), device=ids.device)
    cos, sin = rope_rows(cache.length, c.d_head, c.rope_base)
    masks = {window: cache.mask(window) for window in {c.layer_window(0), c.layer_window(1)}}
    x = F.embedding(ids, model.embedding)
    for i_layer, layer in enumerate(model.layers):
        attention, keys, values = layer.attention, cache.keys[i_layer], cache.values[i_layer]
        q, k, v = attention.split(attention.project(x), cos, sin)
        keys[rows, cache.length], values[rows, cache.length] = k, v
        n_seen = int(cache.length.max()) + 1
        y = plain.attend(q[:, None], keys[:, :n_seen], values[:, :n_seen], masks[attention.window][..., :n_seen],
                         attention.sinks)
        x = layer.feed_forward(x + attention.finish(y[:, 0]))
    cache.length = cache.length + 1
    return model.norm(x)


@torch.no_grad()
def greedy(model, prompts, n_new, stop):
    """(tokens, margins) per prompt: the likeliest token at each step until one of `stop` (kept) or n_new, and by how much
    its logit exceeds the second best."""
    cache = Cache(model.config, len(prompts), max(map(len, prompts)) + n_new, model.embedding.device)
    hidden, replies, margins = prefill(model, prompts, cache), [[] for _ in prompts], [[] for _ in prompts]
    alive = [True] * len(prompts)
    for i_new in range(n_new):
        top = model.logits(hidden).topk(2, -1)
        gap = (top.values[:, 0] - top.values[:, 1]).tolist()
        for i, token in enumerate(top.indices[:, 0].tolist()):
            if alive[i]:
                replies[i].append(token)
                margins[i].append(gap[i])
                alive[i] = token not in stop
        if i_new + 1 == n_new or not any(alive):
            break
        hidden = step(model, top.indices[:, 0], cache)
    return replies, margins


def generate(model, prompts, n_new, stop=frozenset(), n_parallel=64):
    """Greedy replies to prompts of any length, in the order given; prompts of like length run together."""
    order, replies = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), [None] * len(prompts)
    for start in range(0, len(order), n_parallel):
        part = order[start:start + n_parallel]
        for i, reply in zip(part, greedy(model, [prompts[i] for i in part], n_new, stop)[0]):
            replies[i] = reply
    return replies
