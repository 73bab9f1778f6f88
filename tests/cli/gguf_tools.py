# Reads GGUF and safetensors with nothing but Python's own means: an independent look at what mascing wrote.
import json
import struct
import sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_gguf(path):
    """Keys, and name -> (dims, type, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    place = 24
    n_tensor, n_key = struct.unpack_from("<QQ", data, 8)

    def text():
        nonlocal place
        n = struct.unpack_from("<Q", data, place)[0]
        place += 8 + n
        return data[place - n:place].decode()

    def value(kind):
        nonlocal place
        if kind == 8:
            return text()
        if kind == 9:
            inner, n = struct.unpack_from("<IQ", data, place)
            place += 12
            return [value(inner) for _ in range(n)]
        place += SIZES[kind]
        return struct.unpack_from("<" + FORMATS[kind], data, place - SIZES[kind])[0]

    keys = {}
    for _ in range(n_key):
        name = text()
        kind = struct.unpack_from("<I", data, place)[0]
        place += 4
        keys[name] = value(kind)
    infos = []
    for _ in range(n_tensor):
        name = text()
        n_dim = struct.unpack_from("<I", data, place)[0]
        dims = struct.unpack_from("<%dQ" % n_dim, data, place + 4)
        kind, offset = struct.unpack_from("<IQ", data, place + 4 + 8 * n_dim)
        place += 16 + 8 * n_dim
        infos.append((name, dims, kind, offset))
    start = (place + 31) // 32 * 32
    tensors = {}
    for name, dims, kind, offset in infos:
        n = 1
        for dim in dims:
            n *= dim
        size = n * {0: 4, 1: 2}.get(kind, 0)
        tensors[name] = (dims, kind, data[start + offset:start + offset + size])
    return keys, tensors


def floats(tensor):
    dims, kind, data = tensor
    assert kind in (0, 1), kind
    return struct.unpack("<%d%s" % (len(data) // (4 if kind == 0 else 2), "f" if kind == 0 else "e"), data)


def read_safetensors(path):
    """name -> (dtype, shape, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {name: (info["dtype"], info["shape"], data[8 + n + info["data_offsets"][0]:8 + n + info["data_offsets"][1]])
            for name, info in header.items()}


def write_safetensors(path, tensors):
    header, place = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def make_folder(model, folder):
    """The model's routers under Hugging Face's names in two files with an index."""
    _, tensors = read_gguf(model)
    shards, weight_map = [{}, {}], {}
    for name, (dims, kind, data) in tensors.items():
        if ".ffn_gate_inp.weight" in name:
            block = int(name.split(".")[1])
            new = "model.layers.%d.mlp.gate.weight" % block
            shards[block % 2][new] = ("F32", [dims[1], dims[0]], data)
    shards[0]["lm_head.weight"] = ("F32", [2], struct.pack("<2f", 1, 2))
    for i, shard in enumerate(shards):
        file = "model-0000%d-of-00002.safetensors" % (i + 1)
        write_safetensors(folder + "/" + file, shard)
        weight_map.update({name: file for name in shard})
    with open(folder + "/model.safetensors.index.json", "w") as file:
        json.dump({"metadata": {}, "weight_map": weight_map}, file)


def updated(original, tensors, name, strength):
    """original + strength * B A in double."""
    (n_embd, rank), _, _ = tensors[name + ".lora_a"]
    down, up = floats(tensors[name + ".lora_a"]), floats(tensors[name + ".lora_b"])
    wanted = list(original)
    for e in range(len(original) // n_embd):
        for r in range(rank):
            weight = strength * up[e * rank + r]
            for d in range(n_embd):
                wanted[e * n_embd + d] += weight * down[r * n_embd + d]
    return wanted


def largest_difference(a, b):
    assert len(a) == len(b) and len(a) > 0
    return max(abs(x - y) for x, y in zip(a, b))


def check_gguf(model, adapter, baked, strength, tolerance):
    """Routers of `baked` are those of `model` plus the adapter; every other tensor is the same."""
    _, before = read_gguf(model)
    keys, after = read_gguf(baked)
    _, lora = read_gguf(adapter)
    n = 0
    for name in before:
        if name + ".lora_a" in lora:
            wanted = updated(floats(before[name]), lora, name, float(strength))
            assert largest_difference(wanted, floats(after[name])) <= float(tolerance), name
            assert floats(before[name]) != floats(after[name]), name
            n += 1
        else:
            assert before[name] == after[name], name
    assert n > 0
    print(n, "routers checked")


def check_folder(folder, adapter, baked, strength):
    _, lora = read_gguf(adapter)
    n = 0
    with open(baked + "/model.safetensors.index.json") as file:
        weight_map = json.load(file)["weight_map"]
    for name, file in weight_map.items():
        before = read_safetensors(folder + "/" + file)[name]
        after = read_safetensors(baked + "/" + file)[name]
        if ".mlp.gate." in name:
            gguf = "blk.%s.ffn_gate_inp.weight" % name.split(".")[2]
            old = struct.unpack("<%df" % (len(before[2]) // 4), before[2])
            new = struct.unpack("<%df" % (len(after[2]) // 4), after[2])
            assert largest_difference(updated(old, lora, gguf, float(strength)), new) < 1e-6, name
            assert before[:2] == after[:2] and old != new, name
            n += 1
        else:
            assert before == after, name
    assert n > 0
    print(n, "routers checked")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
