"""Starts a model from a trained trunk (mixtral): everything of the same shape is copied, experts are cut up.

The trunk's 8 x 256 hidden units are one row of 2,048; an expert of width 64 is the next 64 of them, and what the routed
experts leave over at the end becomes the shared expert. Children of an expert start with its router column plus noise.
"""
import torch

from configs import CONFIGS

ROUTER_NOISE = 0.2  # of the standard deviation of the trunk's router
DENSE_STRIDE = 4
SINK = -2.0
ALPHA = 1.702  # of swiglu_oai


def units_of(state, prefix):
    """An expert layer as gate, up [D, U] and down [U, D]."""
    w_in, w_out = state[prefix + "w_in"], state[prefix + "w_out"]
    gate, up = w_in.transpose(0, 1).unflatten(2, (2, -1)).unbind(2)
    return gate.flatten(1), up.flatten(1), w_out.flatten(0, 1)


def expert_scale(config, n_child):
    """So that the chosen children of one parent weigh together about what the parent weighed among its two."""
    return 1.2 * n_child if config.weighting == "plain" else config.n_expert_used / 2


def set_experts(experts, config, units, trunk_router):
    n_unit = config.n_expert * config.d_expert
    n_child = units[2].shape[0] // trunk_router.shape[1] // config.d_expert
    gate, up = (u[:, :n_unit].unflatten(1, (config.n_expert, -1)).transpose(0, 1) for u in units[:2])
    down = units[2][:n_unit].unflatten(0, (config.n_expert, -1)) * expert_scale(config, n_child)
    if config.activation == "swiglu_oai":  # the same function as SwiGLU until the clamp
        gate, down = gate / ALPHA, down * ALPHA
        experts.b_in.zero_()[:, config.d_expert:] = -1.0
    experts.w_in.copy_(torch.cat([gate, up], 2))
    experts.w_out.copy_(down)
    columns = trunk_router.repeat_interleave(n_child, 1)[:, :config.n_expert]
    noise = torch.randn(columns.shape) * trunk_router.std() * (ROUTER_NOISE if n_child > 1 else 0.0)
    experts.router.copy_(columns + noise)
    if experts.shared is not None:
        set_dense(experts.shared, [u.narrow(dim, n_unit, config.d_shared) for u, dim in zip(units, (1, 1, 0))])


def set_dense(dense, units):
    dense.w_in.copy_(torch.cat(units[:2], 1))
    dense.w_out.copy_(units[2])


def set_attention(attention, state, prefix):
    c = attention.config
    attention.qkv.copy_(state[prefix + "qkv"])
    attention.out.copy_(state[prefix + "out"])
    if c.qk_norm:  # the size that queries and keys have in the trunk, if its activations were white
        size = (state[prefix + "qkv"] * state[prefix + "norm.weight"][:, None]).pow(2).sum(0)
        q, k, _ = size.split([c.d_attn, c.n_head_kv * c.d_head, c.n_head_kv * c.d_head])
        attention.q_norm.fill_(float(q.mean().sqrt()))
        attention.k_norm.fill_(float(k.mean().sqrt()))
    if c.has_sinks:
        attention.sinks.fill_(SINK)


@torch.no_grad()
def init_from(model, trunk_state, trunk_name="mixtral"):
    """Fills `model` from the parameters of a trained trunk; returns what was not copied, for people to read."""
    c, trunk = model.config, CONFIGS[trunk_name]
    if (c.d_model, c.n_layer, c.d_qkv) != (trunk.d_model, trunk.n_layer, trunk.d_qkv):
        return [f"nothing: {c.name} is {c.n_layer} layers of width {c.d_model}, the trunk {trunk.n_layer} of {trunk.d_model}"]
    state, left_out = {k: v.detach().float() for k, v in trunk_state.items()}, []
    model.embedding.copy_(state["embedding"])
    if model.output is not None:
        model.output.copy_(state.get("output", state["embedding"]))
    model.norm.weight.copy_(state["norm.weight"])
    for i_layer, layer in enumerate(model.layers):
        prefix = f"layers.{i_layer}."
        set_attention(layer.attention, state, prefix + "attention.")
        layer.attention.norm.weight.copy_(state[prefix + "attention.norm.weight"])
        layer.norm.weight.copy_(state[prefix + "norm.weight"])
        units = units_of(state, prefix + "ffn.")
        if layer.is_moe:
            set_experts(layer.ffn, c, units, state[prefix + "ffn.router"])
        else:
            set_dense(layer.ffn, [u[:, ::DENSE_STRIDE] for u in units[:2]] + [units[2][::DENSE_STRIDE]])
            left_out.append(f"router and {DENSE_STRIDE - 1} of {DENSE_STRIDE} units of layer {i_layer}: it is dense here")
    n_lost = trunk.n_expert * trunk.d_expert - c.n_expert * c.d_expert - c.d_shared
    if n_lost:
        left_out.append(f"the last {n_lost} of the {trunk.n_expert * trunk.d_expert} expert units of every layer")
    new = [key for key in ("bias", "b_in", "b_out", "q_norm", "k_norm", "sinks", "shared.gate") if any(key in n for n, _ in model.named_parameters())]
    return left_out + ([f"not in the trunk, left at its start value or estimated: {', '.join(new)}"] if new else [])
