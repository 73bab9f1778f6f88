"""Writes a checkpoint of the zoo as a GGUF file; routers, norms and biases stay F32.

A checkpoint is a torch file {"architecture": name in configs.py, "config": dict of what differs from it, "state": parameters}.
The special tokens come from a JSON file beside the chat template (its name with .json), for example
{"bos": "<s>", "eos": "<|return|>", "eot": "<|return|>", "pad": null, "add_bos": true, "control": [...], "visible": ["\\n"]};
a value is a piece or a number. `control` lists the markers that the template uses, `visible` whole tokens of the text.

usage: export_gguf.py CHECKPOINT.pt OUTPUT.gguf --name NAME --description TEXT [--type q8_0] [--template FILE] ...
"""
import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import sentencepiece
import torch

from configs import CONFIGS
from find_gguf import import_gguf
from tensors import to_file

DEFAULT_TOKENIZER = Path(__file__).parent.parent / "court_tokenizer.model"
DEFAULT_SPECIAL = {"bos": 1, "eos": 6, "eot": 6, "unk": 0, "add_bos": True}
LICENSE = "CC0-1.0"
FILE_TYPES = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0", "q5_1": "MOSTLY_Q5_1", "q5_0": "MOSTLY_Q5_0"}


def config_of(checkpoint):
    return replace(CONFIGS[checkpoint["architecture"]], **checkpoint.get("config", {}))


def write_metadata(gguf, writer, config, args):
    writer.add_name(args.name)
    writer.add_description(args.description)
    writer.add_license(LICENSE)
    writer.add_file_type(gguf.LlamaFileType[FILE_TYPES[args.type]])
    c = config
    for key, value in {"block_count": c.n_layer, "context_length": c.n_context, "embedding_length": c.d_model,
                       "feed_forward_length": c.d_dense or c.d_expert, "attention.head_count": c.n_head,
                       "attention.head_count_kv": c.n_head_kv, "attention.key_length": c.d_head,
                       "attention.value_length": c.d_head, "rope.dimension_count": c.d_head, "vocab_size": c.n_vocab,
                       "expert_count": c.n_expert, "expert_used_count": c.n_expert_used,
                       "expert_feed_forward_length": c.d_expert, "attention.sliding_window": c.window,
                       "expert_shared_feed_forward_length": c.d_shared, "expert_shared_count": c.n_shared,
                       "leading_dense_block_count": c.n_dense}.items():
        if value:
            writer.add_uint32(f"{c.architecture}.{key}", value)
    writer.add_float32(f"{c.architecture}.rope.freq_base", c.rope_base)
    writer.add_float32(f"{c.architecture}.attention.layer_norm_rms_epsilon", c.eps)


def token_types(gguf, tokenizer, visible):
    """Type per piece; `visible` are whole tokens that belong to the text, as a line break or <think> does."""
    for i in range(tokenizer.get_piece_size()):
        if tokenizer.id_to_piece(i) in visible:
            yield gguf.TokenType.USER_DEFINED
            continue
        if tokenizer.is_unknown(i):
            yield gguf.TokenType.UNKNOWN
        elif tokenizer.is_control(i):
            yield gguf.TokenType.CONTROL
        else:
            yield gguf.TokenType.BYTE if tokenizer.is_byte(i) else gguf.TokenType.NORMAL


def token_number(tokenizer, value):
    if isinstance(value, int):
        return value
    number = tokenizer.piece_to_id(value)
    if tokenizer.is_unknown(number):
        raise SystemExit(f"the tokenizer has no piece {value!r}, which the special tokens name")
    return number


def token_names(tokenizer, used):
    """Markers of other templates lose their names: llama.cpp takes some of them, as <|end|>, for the end of a reply."""
    for i in range(tokenizer.get_piece_size()):
        piece = tokenizer.id_to_piece(i)
        is_foreign = used is not None and tokenizer.is_control(i) and piece not in (*used, "<s>", "</s>")
        yield f"<unused_{i}>" if is_foreign else piece


def write_tokenizer(gguf, writer, tokenizer, special):
    ids = range(tokenizer.get_piece_size())
    names = list(token_names(tokenizer, special.get("control")))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([name.encode() for name in names])
    writer.add_token_scores([tokenizer.get_score(i) for i in ids])
    writer.add_token_types(list(token_types(gguf, tokenizer, special.get("visible", ()))))
    adders = {"bos": writer.add_bos_token_id, "eos": writer.add_eos_token_id, "eot": writer.add_eot_token_id,
              "eom": writer.add_eom_token_id, "pad": writer.add_pad_token_id, "unk": writer.add_unk_token_id}
    for key, add in adders.items():
        if special.get(key) is not None:
            add(token_number(tokenizer, special[key]))
    writer.add_add_bos_token(bool(special.get("add_bos", True)))
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(bool(special.get("add_space_prefix", True)))


def write_tensors(gguf, writer, config, state, type_name):
    for name, tensor, may_quantise in to_file(config, state):
        kind = gguf.GGMLQuantizationType[type_name.upper()]
        if type_name.startswith("q5") and "_exps" not in name:
            kind = gguf.GGMLQuantizationType.Q8_0  # attention and embeddings are small: they keep eight bits
        array = np.ascontiguousarray(tensor.float().numpy())
        if kind == gguf.GGMLQuantizationType.F32 or not may_quantise:
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)


def export(checkpoint, args):
    gguf, config = import_gguf(args.gguf_py), config_of(checkpoint)
    args.type = args.type or config.file_type
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(args.tokenizer))
    if tokenizer.get_piece_size() != config.n_vocab:
        raise SystemExit(f"{args.tokenizer} has {tokenizer.get_piece_size()} pieces, the model {config.n_vocab}")
    unfinished = Path(f"{args.output}.tmp")
    writer = gguf.GGUFWriter(unfinished, config.architecture)
    write_metadata(gguf, writer, config, args)
    special = DEFAULT_SPECIAL
    if args.template:
        writer.add_chat_template(args.template.read_text())
        special = json.loads((args.special or args.template.with_suffix(".json")).read_text())
    write_tokenizer(gguf, writer, tokenizer, special)
    write_tensors(gguf, writer, config, {k: v.detach().cpu() for k, v in checkpoint["state"].items()}, args.type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.rename(args.output)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--description", required=True)
    parser.add_argument("--type", choices=FILE_TYPES, help="default: the configuration's; q5_*: experts only, the rest Q8_0")
    parser.add_argument("--template", type=Path, help="chat template (Jinja), verbatim")
    parser.add_argument("--special", type=Path, help="JSON of the special tokens; default: the template's name with .json")
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_TOKENIZER)
    parser.add_argument("--gguf-py", help="folder of llama.cpp's gguf package")
    return parser.parse_args()


def main():
    args = parse_arguments()
    export(torch.load(args.checkpoint, map_location="cpu"), args)


if __name__ == "__main__":
    main()
