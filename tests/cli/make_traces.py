# Writes trace stores and surrogates, valid or broken on purpose, with Python's standard library only.
#   make_traces.py traces FOLDER [NAME=VALUE...]     layers, experts, traces, label ("both", 0, 1, 7), tokens, fingerprint,
#                                                    logit (nan, inf or a number, in one place), second (another model's
#                                                    fingerprint, for a second shard)
#   make_traces.py surrogate FILE [NAME=VALUE...]    layers, experts, proj, hidden, weight (of all), claim (layers in the metadata)
#   make_traces.py header FILE OLD NEW               replaces a part of a safetensors header and corrects its length
import json
import pathlib
import struct
import sys


def safetensors(path, tensors, metadata):
    """tensors: name -> (dtype, shape, bytes)"""
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_shard(folder, name, model, options, begin):
    """Traces of noise in which the first expert predicts the label."""
    n_token, size = options["tokens"], options["layers"] * options["experts"]
    tensors, list_ = {}, []
    for i in range(options["traces"]):
        label = i % 2 if options["label"] == "both" else int(options["label"])
        values = [((i + 3 * k) * 37 % 101) / 50.0 + (2.0 * label if k % size == 0 else 0.0)
                  for k in range(n_token * size)]
        if i == 3 and options["logit"] is not None:
            values[2 * size + 1] = float(options["logit"])
        tensors[f"{i:08d}"] = ("F16", [n_token, options["layers"], options["experts"]],
                               struct.pack(f"<{len(values)}e", *values))
        list_.append({"id": f"c{begin + i}", "topic": f"t{i // 2}", "set": "attacks", "label": label})
    safetensors(folder / f"shard-{name}.safetensors", tensors,
                {"mascing.header": json.dumps(model), "mascing.shard": name, "mascing.traces": json.dumps(list_)})
    return {"hash": name, "n_trace": options["traces"]}


def make_traces(folder, options):
    folder.mkdir(parents=True)
    model = {"n_layer": options["layers"], "n_expert": options["experts"], "n_expert_used": 1,
             "blocks": list(range(options["layers"])), "architecture": "qwen3moe", "model_name": "tiny",
             "fingerprint": options["fingerprint"]}
    shards = [write_shard(folder, "aa", model, options, 0)]
    if options["second"] is not None:
        other = {**model, "fingerprint": options["second"], "model_name": "stranger"}
        shards.append(write_shard(folder, "bb", other, options, options["traces"]))
    (folder / "manifest.json").write_text(json.dumps(
        {"kind": "mascing.traces", "format_version": 1, **model, "inputs_hash": "", "shards": shards}))


def make_surrogate(path, options):
    e, p, h, n_layer = (options[name] for name in ("experts", "proj", "hidden", "layers"))
    n = 2 * e + p * e + p + 4 * h * n_layer * p + 4 * h * h + 8 * h + h + 1
    claim = n_layer if options["claim"] is None else options["claim"]
    safetensors(path, {"values": ("F32", [n], struct.pack(f"<{n}f", *[float(options["weight"])] * n))},
                {"mascing.surrogate.n_layer": str(claim), "mascing.surrogate.n_expert": str(e),
                 "mascing.surrogate.n_proj": str(p), "mascing.surrogate.n_hidden": str(h)})


def edit_header(path, old, new):
    data = path.read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    text = data[8:8 + n].decode()
    assert old in text, text
    text = text.replace(old, new, 1).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + n:])


def main():
    command, path, words = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    if command == "header":
        edit_header(path, *words)
        return
    options = {"layers": 2, "experts": 4, "traces": 12, "label": "both", "tokens": 4, "fingerprint": "f00d", "logit": None,
               "second": None, "proj": 2, "hidden": 3, "weight": 0.1, "claim": None}
    for word in words:
        name, value = word.split("=", 1)
        options[name] = int(value) if isinstance(options[name], int) else value
    {"traces": make_traces, "surrogate": make_surrogate}[command](path, options)


if __name__ == "__main__":
    main()
