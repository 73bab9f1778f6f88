"""Reads a GGUF file of the zoo, of any quantisation, into the PyTorch model.

usage: load_gguf.py MODEL.gguf CHECKPOINT.pt      (writes what export_gguf.py reads, in F32)
"""
import argparse
from dataclasses import replace

import torch

from architectures import Model
from configs import CONFIGS
from find_gguf import import_gguf
from tensors import from_file

KEYS = {"block_count": "n_layer", "context_length": "n_context", "embedding_length": "d_model", "vocab_size": "n_vocab",
        "attention.head_count": "n_head", "attention.head_count_kv": "n_head_kv", "attention.key_length": "d_head",
        "expert_count": "n_expert", "expert_used_count": "n_expert_used", "expert_feed_forward_length": "d_expert",
        "attention.sliding_window": "window", "expert_shared_feed_forward_length": "d_shared", "rope.freq_base": "rope_base",
        "attention.layer_norm_rms_epsilon": "eps", "leading_dense_block_count": "n_dense"}


def field(reader, key):
    part = reader.fields.get(key)
    return None if part is None else part.contents()


def read_config(reader):
    architecture = field(reader, "general.architecture")
    known = [c for c in CONFIGS.values() if c.architecture == architecture]
    if not known:
        raise SystemExit(f"the architecture {architecture!r} is not one of the zoo's")
    values = {ours: field(reader, f"{architecture}.{key}") for key, ours in KEYS.items()}
    config = replace(known[0], **{key: value for key, value in values.items() if value is not None})
    if config.n_dense:
        config = replace(config, d_dense=field(reader, f"{architecture}.feed_forward_length"))
    same = [c for c in known if (c.n_layer, c.n_expert) == (config.n_layer, config.n_expert)]
    return replace(config, name=same[0].name) if same else config


def load_gguf(path, gguf_py=None):
    """A model without gradients, all weights dequantised to float32."""
    gguf = import_gguf(gguf_py)
    reader = gguf.GGUFReader(path)
    config = read_config(reader)
    tensors = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    model = Model(config).requires_grad_(False)
    from_file(config, dict(model.named_parameters()), tensors)
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("checkpoint")
    parser.add_argument("--gguf-py")
    args = parser.parse_args()
    model = load_gguf(args.model, args.gguf_py)
    different = {k: v for k, v in vars(model.config).items() if getattr(CONFIGS[model.config.name], k) != v}
    torch.save({"architecture": model.config.name, "config": different, "state": model.state_dict()}, args.checkpoint)


if __name__ == "__main__":
    main()
