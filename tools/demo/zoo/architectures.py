"""Seven MoE architectures as llama.cpp's graphs compute them, small enough to train on a CPU.

    model = build("gpt-oss")
    hidden = model(ids, positions, segment)    # [B, T] each -> [B, T, D]; logits: model.logits(hidden)

`segment` is the number of a token's document within its row, -1 for padding; attention is causal within a document.
Without it each row is one document. `positions` may count from anywhere in a document, as rotary angles are relative;
without them they count from the start of the row. Axes: B row, T token, D width, E expert,
K experts per token. On a CPU kernels.py computes attention and experts, elsewhere plain.py does.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import kernels
import plain
from configs import CONFIGS, Config
from packing import Packing


def parameter(*shape, std=None, value=0.0):
    return nn.Parameter(torch.randn(*shape) * std if std is not None else torch.full(shape, value))


def product(x, w):
    return kernels.product(x, w) if kernels.is_for(x) else x @ w


class Norm(nn.Module):
    def __init__(self, d, eps, has_bias=False):
        super().__init__()
        self.weight, self.eps = parameter(d, value=1.0), eps
        self.bias = parameter(d) if has_bias else None

    def forward(self, x):
        compute = kernels.rms_norm if kernels.is_for(x) else plain.rms_norm
        return compute(x, self.weight, self.bias, self.eps)


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; optional biases, q/k norms, sliding window and sinks."""

    def __init__(self, config, i_layer):
        super().__init__()
        c = self.config = config
        self.window = c.layer_window(i_layer)
        self.norm = Norm(c.d_model, c.eps, c.has_norm_bias)
        self.qkv = parameter(c.d_model, c.d_qkv, std=0.01 * math.sqrt(512 / c.d_model))
        self.qkv_bias = parameter(c.d_qkv) if c.has_qkv_bias else None
        self.out = parameter(c.d_attn, c.d_model, std=0.04 / math.sqrt(2 * c.n_layer))
        self.out_bias = parameter(c.d_model) if c.has_attn_out_bias else None
        self.q_norm, self.k_norm = (parameter(c.d_head, value=1.0) if c.qk_norm else None for _ in range(2))
        self.sinks = parameter(c.n_head) if c.has_sinks else None

    def query_key(self, qk, cos, sin):
        """[..., H + G, d]: normalised, rotated, queries scaled."""
        c = self.config
        if c.qk_norm == "after":
            qk = plain.rotate(qk, cos, sin)
        if c.qk_norm:
            scale = torch.cat([self.q_norm.expand(c.n_head, -1), self.k_norm.expand(c.n_head_kv, -1)])
            qk = plain.rms_norm(qk, scale, None, c.eps)
        if c.qk_norm != "after":
            qk = plain.rotate(qk, cos, sin)
        q, k = qk.split([c.n_head, c.n_head_kv], -2)
        return q * c.d_head**-0.5, k

    def project(self, x):
        qkv = product(self.norm(x), self.qkv)
        return qkv if self.qkv_bias is None else qkv + self.qkv_bias

    def split(self, qkv, cos, sin):
        """[..., (H + 2G) * d] -> q [..., H, d], k and v [..., G, d], ready for attention."""
        c = self.config
        qk, v = qkv.view(*qkv.shape[:-1], -1, c.d_head).split([c.n_head + c.n_head_kv, c.n_head_kv], -2)
        return (*self.query_key(qk, cos, sin), v)

    def finish(self, y):
        y = product(y, self.out)
        return y if self.out_bias is None else y + self.out_bias

    def forward(self, x, packing):
        qkv = self.project(x)
        if packing.is_fast:
            y = kernels.DocumentAttention.apply(qkv.flatten(0, -2), self.q_norm, self.k_norm, self.sinks,
                                                packing.setting(self.config, self.window)).view(*x.shape[:-1], -1)
        else:
            y = plain.attend(*self.split(qkv, *packing.rope), packing.mask(self.window), self.sinks)
        return x + self.finish(y)


class Dense(nn.Module):
    """A SwiGLU feed-forward part: the shared experts, and leading dense layers."""

    def __init__(self, d, d_hidden, depth_scale, has_gate=False):
        super().__init__()
        self.w_in = parameter(d, 2 * d_hidden, std=0.06)
        self.w_out = parameter(d_hidden, d, std=0.06 / depth_scale)
        self.gate = parameter(d, std=0.04) if has_gate else None

    def forward(self, y):
        out = product(plain.swiglu(product(y, self.w_in)), self.w_out)
        return out if self.gate is None else out * torch.sigmoid(y @ self.gate)[..., None]


class Experts(nn.Module):
    """A router and its experts. `router_hook(i_layer, logits)`, if set, replaces the router logits."""

    def __init__(self, config, i_layer):
        super().__init__()
        c, self.config, self.i_layer, self.router_hook = config, config, i_layer, None
        depth_scale = math.sqrt(2 * c.n_layer)
        self.router = parameter(c.d_model, c.n_expert, std=0.04)
        self.router_bias = parameter(c.n_expert) if c.has_router_bias else None
        self.w_in = parameter(c.n_expert, c.d_model, 2 * c.d_expert, std=0.06)
        self.w_out = parameter(c.n_expert, c.d_expert, c.d_model, std=0.06 / depth_scale)
        self.b_in = parameter(c.n_expert, 2 * c.d_expert) if c.has_expert_bias else None
        self.b_out = parameter(c.n_expert, c.d_model) if c.has_expert_bias else None
        self.shared = Dense(c.d_model, c.d_shared, depth_scale, c.has_shared_gate) if c.d_shared else None

    def route(self, y):
        """Logits [..., E], probabilities, and the weights and numbers of the chosen experts [..., K]."""
        c = self.config
        logits = product(y, self.router)
        if self.router_bias is not None:
            logits = logits + self.router_bias
        if self.router_hook is not None:
            logits = self.router_hook(self.i_layer, logits)
        probs = F.softmax(logits, -1)
        if c.weighting == "chosen":
            top, chosen = logits.topk(c.n_expert_used, -1)
            return logits, probs, F.softmax(top, -1), chosen
        weight, chosen = probs.topk(c.n_expert_used, -1)
        if c.weighting == "normalised":
            weight = weight / weight.sum(-1, keepdim=True).clamp(min=6.103515625e-5)
        return logits, probs, weight, chosen

    def forward(self, y, stats=None):
        c = self.config
        logits, probs, weight, chosen = self.route(y)
        if stats is not None:
            load = torch.bincount(chosen.reshape(-1), minlength=c.n_expert).float() / chosen.numel()
            stats.append((logits.reshape(-1, c.n_expert), probs.reshape(-1, c.n_expert), load))
        compute = kernels.experts if kernels.is_for(y) else plain.experts
        flat = [t.reshape(-1, t.shape[-1]) for t in (y, weight, chosen)]
        out = compute(*flat, self.w_in, self.w_out, self.b_in, self.b_out, c.activation).view(y.shape)
        return out if self.shared is None else out + self.shared(y)


class Layer(nn.Module):
    def __init__(self, config, i_layer):
        super().__init__()
        c = config
        self.attention, self.norm = Attention(c, i_layer), Norm(c.d_model, c.eps, c.has_norm_bias)
        self.is_moe = i_layer >= c.n_dense
        self.ffn = Experts(c, i_layer) if self.is_moe else Dense(c.d_model, c.d_dense, math.sqrt(2 * c.n_layer))

    def feed_forward(self, x, stats=None):
        y = self.norm(x)
        return x + (self.ffn(y, stats) if self.is_moe else self.ffn(y))

    def forward(self, x, packing, stats=None):
        return self.feed_forward(self.attention(x, packing), stats)


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        self.embedding = parameter(c.n_vocab, c.d_model, std=0.04)
        self.layers = nn.ModuleList(Layer(c, i) for i in range(c.n_layer))
        self.norm = Norm(c.d_model, c.eps, c.has_norm_bias)
        self.output = None if c.is_tied else parameter(c.n_vocab, c.d_model, std=0.04)
        self.output_bias = parameter(c.n_vocab) if c.has_output_bias else None

    def forward(self, ids, positions=None, segment=None, stats=None):
        """Hidden states [B, T, D] for `logits`. `stats`, a list, receives (logits, probs, load) of every router."""
        packing = Packing(self.config, ids, positions, segment, keeps_padding=self.has_hook())
        x = packing.pack(F.embedding(ids, self.embedding))
        for layer in self.layers:
            x = layer(x, packing, stats)
        return packing.unpack(self.norm(x))

    def logits(self, hidden):
        out = hidden @ (self.embedding if self.output is None else self.output).t()
        return out if self.output_bias is None else out + self.output_bias

    def loss(self, hidden, targets, weight):
        """hidden [B, T, D], targets and weight [B, T] -> weighted mean of the negative log-likelihoods, and all of them
        [B, T] without a gradient, 0 where the weight is 0. Much cheaper than `logits` and a cross-entropy."""
        rows = (weight.flatten() > 0).nonzero().flatten()
        compute = kernels.weighted_loss if kernels.is_for(hidden) else plain.weighted_loss
        total, nll = compute(hidden.flatten(0, -2)[rows], self.embedding if self.output is None else self.output,
                             self.output_bias, targets.flatten()[rows], weight.flatten()[rows])
        return total / weight.sum(), torch.zeros_like(weight.flatten()).index_copy(0, rows, nll).view(weight.shape)

    def set_router_hook(self, hook):
        """hook(i_layer, logits [B, T, E]) -> logits; None removes it."""
        for layer in self.layers:
            if layer.is_moe:
                layer.ffn.router_hook = hook

    def has_hook(self):
        return any(layer.is_moe and layer.ffn.router_hook is not None for layer in self.layers)


def build(name, n_vocab=2048):
    """A model with random weights, drawn from PyTorch's generator."""
    if name not in CONFIGS:
        raise ValueError(f"there is no architecture {name!r}; known: {', '.join(CONFIGS)}")
    return Model(Config(**{**vars(CONFIGS[name]), "n_vocab": n_vocab}))
