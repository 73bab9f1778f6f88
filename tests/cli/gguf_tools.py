# Reads GGUF and safetensors with Python's standard library only: an independent check of what mascing wrote.
import json
import struct
import subprocess
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


def nudge(model, path):
    """The model with another first weight in its embeddings: same header, same routers."""
    _, tensors = read_gguf(model)
    weights = tensors["token_embd.weight"][2]
    with open(model, "rb") as file:
        data = bytearray(file.read())
    data[data.index(weights)] ^= 1
    with open(path, "wb") as file:
        file.write(data)


def inflate(model, path, n_byte):
    """The model with a last tensor of so many bytes more: a hole, as large as a disk allows. Routers stay as they are."""
    with open(model, "rb") as file:
        data = bytearray(file.read())
    _, tensors = read_gguf(model)
    name = list(tensors)[-1].encode()
    dims, kind, values = tensors[name.decode()]
    place = data.rindex(struct.pack("<Q", len(name)) + name) + 8 + len(name) + 4 + 8 * (len(dims) - 1)
    row = len(values) // dims[-1]
    struct.pack_into("<Q", data, place, dims[-1] + n_byte // row)
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(len(data) + n_byte // row * row)


def number_places(data):
    """Key, kind and place of every number in the header."""
    place = 24
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        n = struct.unpack_from("<Q", data, place)[0]
        name = data[place + 8:place + 8 + n].decode()
        kind = struct.unpack_from("<I", data, place + 8 + n)[0]
        place += 12 + n
        if kind in SIZES:
            yield name, kind, place
            place += SIZES[kind]
            continue
        inner, count = (8, 1) if kind == 8 else struct.unpack_from("<IQ", data, place)
        place += 0 if kind == 8 else 12
        if inner != 8:
            place += SIZES[inner] * count
            continue
        for _ in range(count):
            place += 8 + struct.unpack_from("<Q", data, place)[0]


def value_end(data, place, kind):
    """Behind a value of the header."""
    if kind == 8:
        return place + 8 + struct.unpack_from("<Q", data, place)[0]
    if kind != 9:
        return place + SIZES[kind]
    inner, n = struct.unpack_from("<IQ", data, place)
    place += 12
    for _ in range(n):
        place = value_end(data, place, inner)
    return place


def as_text(text):
    return struct.pack("<Q", len(text)) + text


def with_keys(model, path, changes):
    """The model with other keys: name -> kind and bytes of its value."""
    with open(model, "rb") as file:
        data = file.read()
    n_tensor, n_key = struct.unpack_from("<QQ", data, 8)
    keys, place = {}, 24
    for _ in range(n_key):
        begin = place + 8 + struct.unpack_from("<Q", data, place)[0]
        kind = struct.unpack_from("<I", data, begin)[0]
        end = value_end(data, begin + 4, kind)
        keys[data[place + 8:begin].decode()] = data[begin:end]
        place = end
    infos = place
    for _ in range(n_tensor):
        place += 8 + struct.unpack_from("<Q", data, place)[0]
        place += 16 + 8 * struct.unpack_from("<I", data, place)[0]
    keys.update({name: struct.pack("<I", kind) + value for name, (kind, value) in changes.items()})
    head = data[:16] + struct.pack("<Q", len(keys))
    head += b"".join(as_text(name.encode()) + value for name, value in keys.items()) + data[infos:place]
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32) + data[(place + 31) // 32 * 32:])


def with_text(model, path, name, file):
    """The model with what a file holds under a key."""
    with open(file, "rb") as text:
        with_keys(model, path, {name: (8, as_text(text.read()))})


def less_aligned(model, path, alignment):
    """The model with another general.alignment, its tensors where llama.cpp wants them."""
    with_keys(model, path, {"general.alignment": (4, struct.pack("<I", int(alignment)))})


def without_tokens(model, path):
    """The model with a tokenizer whose tokens are all empty."""
    n = len(read_gguf(model)[0]["tokenizer.ggml.tokens"])
    with_keys(model, path, {"tokenizer.ggml.tokens": (9, struct.pack("<IQ", 8, n) + as_text(b"") * n)})


def try_sizes(mascing, model, path):
    """Inspects the model with every number of its header changed: success, or one error line with its hint."""
    with open(model, "rb") as file:
        good = file.read()
    n = 0
    for name, kind, place in number_places(good):
        whole = [0, 1, 3, 1 << 20, (1 << 31) - 1, (1 << 32) - 1]
        for value in [0.0, -1.0, 1e38, float("nan")] if kind in (6, 12) else whole:
            try:
                change = struct.pack("<" + FORMATS[kind], value)
            except struct.error:
                continue
            with open(path, "wb") as file:
                file.write(good[:place] + change + good[place + len(change):])
            n += 1
            done = subprocess.run([mascing, "inspect", path], capture_output=True, timeout=120)
            said = done.stderr.decode("utf-8", "replace").splitlines()
            n_error = sum(line.startswith("mascing: error: ") for line in said)
            is_clear = n_error == 1 and len(said) == 2 and said[1].startswith("  hint: ")
            if not (done.returncode == 0 or (done.returncode == 1 and is_clear)):
                print("%s = %s: exit code %d: %s" % (name, value, done.returncode, " / ".join(said[:4])))
    print(n, "models tried")


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


HF_NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
            "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate_inp": "mlp.gate",
            "ffn_gate_exps": "gate_proj", "ffn_up_exps": "up_proj", "ffn_down_exps": "down_proj",
            "token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def hf_tensors(name, dims, kind, data):
    """A tensor of a qwen3moe GGUF under the names of Qwen3MoeForCausalLM; experts have their own tensors there."""
    dtype, part = {0: "F32", 1: "F16"}[kind], name.split(".")
    new = HF_NAMES[part[-2]]
    if part[0] != "blk":
        yield new + ".weight", (dtype, list(dims[::-1]), data)
    elif len(dims) < 3:
        yield "model.layers.%s.%s.weight" % (part[1], new), (dtype, list(dims[::-1]), data)
    else:
        size = len(data) // dims[2]
        for i in range(dims[2]):
            yield ("model.layers.%s.mlp.experts.%d.%s.weight" % (part[1], i, new),
                   (dtype, [dims[1], dims[0]], data[i * size:(i + 1) * size]))


def hf_config(keys):
    """config.json of a qwen3moe model."""
    key = {name[9:]: value for name, value in keys.items() if name.startswith("qwen3moe.")}
    return {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "tie_word_embeddings": True,
            "num_hidden_layers": key["block_count"], "hidden_size": key["embedding_length"],
            "num_attention_heads": key["attention.head_count"], "num_key_value_heads": key["attention.head_count_kv"],
            "head_dim": key["attention.key_length"], "num_experts": key["expert_count"],
            "num_experts_per_tok": key["expert_used_count"], "moe_intermediate_size": key["expert_feed_forward_length"],
            "rms_norm_eps": key["attention.layer_norm_rms_epsilon"], "rope_theta": key["rope.freq_base"],
            "norm_topk_prob": True, "eos_token_id": keys["tokenizer.ggml.eos_token_id"]}


def pad_gguf(model, path, megabytes):
    """The model with a tensor of zeros after all others."""
    with open(model, "rb") as file:
        data = file.read()
    _, tensors = read_gguf(model)
    last = max(data.rfind(name.encode()) + len(name) + 16 + 8 * len(dims) for name, (dims, _, _) in tensors.items())
    start, n = (last + 31) // 32 * 32, int(megabytes) << 20
    body = data[start:] + b"\0" * (-(len(data) - start) % 32)
    name = b"padding.weight"
    head = data[:8] + struct.pack("<Q", len(tensors) + 1) + data[16:last]
    head += struct.pack("<Q", len(name)) + name + struct.pack("<IQIQ", 1, n // 4, 0, len(body))
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32) + body)
        file.truncate(file.tell() + n)


def make_folder(model, folder, megabytes=0):
    """The model (qwen3moe) as a Hugging Face folder: two files with routers in both, an index, the configuration, and
    a tensor of zeros if it is to be larger."""
    keys, tensors = read_gguf(model)
    shards, weight_map = [{}, {}], {}
    for name, (dims, kind, data) in tensors.items():
        block = int(name.split(".")[1]) if name.startswith("blk.") else 0
        shards[block % 2].update(hf_tensors(name, dims, kind, data))
    if int(megabytes):
        shards[0]["padding.weight"] = ("F32", [int(megabytes) << 18], bytes(int(megabytes) << 20))
    with open(folder + "/config.json", "w") as file:
        json.dump(hf_config(keys), file, indent=2)
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


def read_folder(folder):
    """name -> (dtype, shape, bytes), of all files that the index names."""
    with open(folder + "/model.safetensors.index.json") as file:
        weight_map = json.load(file)["weight_map"]
    files = {file: read_safetensors(folder + "/" + file) for file in set(weight_map.values())}
    return {name: files[file][name] for name, file in weight_map.items()}


def check_folder(folder, adapter, baked, strength):
    _, lora = read_gguf(adapter)
    n = 0
    olds, news = read_folder(folder), read_folder(baked)
    assert olds.keys() == news.keys()
    for name, before in olds.items():
        after = news[name]
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


def check_peft(folder, adapter, peft, strength):
    """lora_B lora_A of every module is the update of its router at `strength`; the scale is 1."""
    _, lora = read_gguf(adapter)
    with open(peft + "/adapter_config.json") as file:
        config = json.load(file)
    assert config["peft_type"] == "LORA" and config["lora_alpha"] == config["r"], config
    tensors = read_safetensors(peft + "/adapter_model.safetensors")
    routers = [name for name in read_folder(folder) if name.endswith(".mlp.gate.weight")]
    assert config["target_modules"] == sorted(name[:-len(".weight")] for name in routers), config
    assert len(tensors) == 2 * len(routers)
    for name in routers:
        a, b = (tensors["base_model.model." + name.replace(".weight", ".lora_%s.weight" % side)] for side in "AB")
        (_, (rank, n_in), down), (_, (n_out, _), up) = a, b
        down, up = (struct.unpack("<%df" % (len(data) // 4), data) for data in (down, up))
        got = [sum(up[e * rank + r] * down[r * n_in + d] for r in range(rank)) for e in range(n_out) for d in range(n_in)]
        gguf = "blk.%s.ffn_gate_inp.weight" % name.split(".")[2]
        assert largest_difference(updated([0.0] * len(got), lora, gguf, float(strength)), got) < 1e-6, name
    print(len(routers), "routers checked")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
