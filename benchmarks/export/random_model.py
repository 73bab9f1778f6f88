# Writes a model of random weights with the demo's tokenizer and the shapes of a medium-sized MoE, for timings only.
#   random_model.py DEMO.gguf OUT.gguf [BLOCKS WIDTH EXPERTS USED]
import random
import struct
import sys

FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def raw_keys(data):
    """Name -> bytes of type and value, unparsed, in file order."""
    n_key, place, keys = struct.unpack_from("<Q", data, 16)[0], 24, {}
    for _ in range(n_key):
        n = struct.unpack_from("<Q", data, place)[0]
        name = data[place + 8:place + 8 + n].decode()
        place += 8 + n
        begin = place
        kind, place = struct.unpack_from("<I", data, place)[0], place + 4
        count = 1
        if kind == 9:
            kind, count = struct.unpack_from("<IQ", data, place)
            place += 12
        if kind == 8:
            for _ in range(count):
                place += 8 + struct.unpack_from("<Q", data, place)[0]
        else:
            place += FIXED[kind] * count
        keys[name] = data[begin:place]
    return keys


def tensors(n_block, width, n_expert, n_vocab, n_inner):
    """Name, dims, type (0 = F32, 1 = F16)."""
    yield "token_embd.weight", (width, n_vocab), 1
    yield "output_norm.weight", (width,), 0
    for i in range(n_block):
        block = "blk.%d." % i
        for name in "attn_norm", "ffn_norm":
            yield block + name + ".weight", (width,), 0
        for name in "attn_q_norm", "attn_k_norm":
            yield block + name + ".weight", (64,), 0
        yield block + "attn_q.weight", (width, width), 1
        yield block + "attn_k.weight", (width, width // 2), 1
        yield block + "attn_v.weight", (width, width // 2), 1
        yield block + "attn_output.weight", (width, width), 1
        yield block + "ffn_gate_inp.weight", (width, n_expert), 0
        yield block + "ffn_gate_exps.weight", (width, n_inner, n_expert), 1
        yield block + "ffn_up_exps.weight", (width, n_inner, n_expert), 1
        yield block + "ffn_down_exps.weight", (n_inner, width, n_expert), 1


def main(demo, out, n_block=16, width=1024, n_expert=32, n_used=4):
    n_block, width, n_expert, n_used = (int(v) for v in (n_block, width, n_expert, n_used))
    n_inner = width // 2
    with open(demo, "rb") as file:
        data = file.read()
    keys = raw_keys(data)
    numbers = {"block_count": n_block, "embedding_length": width, "attention.head_count": width // 64,
               "attention.head_count_kv": width // 128, "attention.key_length": 64, "attention.value_length": 64,
               "rope.dimension_count": 64, "expert_count": n_expert, "expert_used_count": n_used,
               "expert_feed_forward_length": n_inner, "feed_forward_length": n_inner}
    for name, value in numbers.items():
        keys["qwen3moe." + name] = struct.pack("<II", 4, value)
    n_vocab = struct.unpack_from("<IIQ", keys["tokenizer.ggml.tokens"])[2]
    rng = random.Random(1)
    noise = {0: struct.pack("<65536f", *(rng.gauss(0, 0.03) for _ in range(65536))),
             1: struct.pack("<65536e", *(rng.gauss(0, 0.03) for _ in range(65536)))}
    infos, offset, sizes = b"", 0, []
    listed = list(tensors(n_block, width, n_expert, n_vocab, n_inner))
    for name, dims, kind in listed:
        size = (4 if kind == 0 else 2)
        for dim in dims:
            size *= dim
        infos += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I%dQIQ" % len(dims), len(dims), *dims, kind,
                                                                            offset)
        offset += (size + 31) // 32 * 32
        sizes.append((kind, size, "norm" in name))
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(listed), len(keys))
    head += b"".join(struct.pack("<Q", len(name)) + name.encode() + value for name, value in keys.items()) + infos
    with open(out, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        for kind, size, is_norm in sizes:
            block = struct.pack("<f", 1.0) * 1024 if is_norm else noise[kind]
            for left in range(size, 0, -len(block)):
                file.write(block[:left])
            file.write(b"\0" * (-size % 32))


if __name__ == "__main__":
    main(*sys.argv[1:])
