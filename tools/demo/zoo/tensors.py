"""Which tensor of a GGUF file is which parameter, in both directions. File matrices are output-major."""
import torch

RENAMED_NORM = {"gpt-oss": "post_attention_norm"}  # the norm before the experts; elsewhere ffn_norm


def interleave(matrix, d_head):
    """Rows of each head from (first half, second half) to pairs; rows [H * d, ...]."""
    return matrix.unflatten(0, (-1, 2, d_head // 2)).transpose(1, 2).flatten(0, 2)


def deinterleave(matrix, d_head):
    return matrix.unflatten(0, (-1, d_head // 2, 2)).transpose(1, 2).flatten(0, 2)


def split_rows(config, matrix):
    """Queries, keys, values of a projection's rows."""
    c = config
    return matrix.split([c.n_head * c.d_head, c.n_head_kv * c.d_head, c.n_head_kv * c.d_head])


def attention_to_file(config, state, prefix):
    order = (lambda m: interleave(m, config.d_head)) if config.is_interleaved else (lambda m: m)
    for key, end, may in (("qkv", "weight", True), ("qkv_bias", "bias", False)):
        if prefix + key in state:
            matrix = state[prefix + key]
            q, k, v = split_rows(config, matrix.t() if matrix.dim() == 2 else matrix)
            yield f"attn_q.{end}", order(q), may
            yield f"attn_k.{end}", order(k), may
            yield f"attn_v.{end}", v, may
    yield "attn_output.weight", state[prefix + "out"].t(), True
    for key, name in (("out_bias", "attn_output.bias"), ("q_norm", "attn_q_norm.weight"), ("k_norm", "attn_k_norm.weight"),
                      ("sinks", "attn_sinks.weight")):
        if prefix + key in state:
            yield name, state[prefix + key], False


def feed_forward_to_file(state, prefix, suffix):
    """w_in [(E,) D, 2F] and w_out [(E,) F, D] as gate, up and down."""
    gate, up = state[prefix + "w_in"].transpose(-1, -2).chunk(2, -2)
    yield f"ffn_gate{suffix}.weight", gate, True
    yield f"ffn_up{suffix}.weight", up, True
    yield f"ffn_down{suffix}.weight", state[prefix + "w_out"].transpose(-1, -2), True
    if prefix + "b_in" in state:
        gate, up = state[prefix + "b_in"].chunk(2, -1)
        yield f"ffn_gate{suffix}.bias", gate, False
        yield f"ffn_up{suffix}.bias", up, False
        yield f"ffn_down{suffix}.bias", state[prefix + "b_out"], False


def layer_to_file(config, state, i_layer):
    prefix = f"layers.{i_layer}."
    for key, name in (("attention.norm.", "attn_norm"), ("norm.", RENAMED_NORM.get(config.architecture, "ffn_norm"))):
        for end in ("weight", "bias"):
            if prefix + key + end in state:
                yield f"{name}.{end}", state[prefix + key + end], False
    yield from attention_to_file(config, state, prefix + "attention.")
    if i_layer < config.n_dense:
        yield from feed_forward_to_file(state, prefix + "ffn.", "")
        return
    yield "ffn_gate_inp.weight", state[prefix + "ffn.router"].t(), False
    if config.has_router_bias:
        yield "ffn_gate_inp.bias", state[prefix + "ffn.router_bias"], False
    yield from feed_forward_to_file(state, prefix + "ffn.", "_exps")
    if config.d_shared:
        yield from feed_forward_to_file(state, prefix + "ffn.shared.", "_shexp")
    if config.has_shared_gate:
        yield "ffn_gate_inp_shexp.weight", state[prefix + "ffn.shared.gate"], False


def to_file(config, state):
    """(name, tensor, may be quantised) of every tensor of the file."""
    yield "token_embd.weight", state["embedding"], True
    for key, name, may in (("norm.weight", "output_norm.weight", False), ("norm.bias", "output_norm.bias", False),
                           ("output", "output.weight", True), ("output_bias", "output.bias", False)):
        if key in state:
            yield name, state[key], may
    for i_layer in range(config.n_layer):
        for name, tensor, may in layer_to_file(config, state, i_layer):
            yield f"blk.{i_layer}.{name}", tensor, may


def from_file(config, state, tensors):
    """Fills `state`, the parameters of a model of this configuration, from the tensors of a file."""
    expected = {name: tensor for name, tensor, _ in to_file(config, state)}
    if set(expected) != set(tensors):
        raise ValueError(f"tensors of the file and of {config.name} differ: {sorted(set(expected) ^ set(tensors))[:6]}")
    for name, view in expected.items():
        if view.shape != tensors[name].shape:
            raise ValueError(f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(view.shape)}")
    for name, view in expected.items():
        is_rotated = config.is_interleaved and (".attn_q." in name or ".attn_k." in name)
        if is_rotated:  # interleaving copies: find the place in the parameter itself
            view, source = rotated_place(config, state, name), deinterleave(tensors[name], config.d_head)
        else:
            source = tensors[name]
        view.copy_(source)


def rotated_place(config, state, name):
    _, i_layer, kind, end = name.split(".")
    matrix = state[f"layers.{i_layer}.attention.qkv" + ("_bias" if end == "bias" else "")]
    return split_rows(config, matrix.t() if matrix.dim() == 2 else matrix)[0 if kind == "attn_q" else 1]
