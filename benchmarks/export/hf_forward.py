# An independent check of baked Hugging Face folders and PEFT adapters: Qwen3MoeForCausalLM in a few lines of PyTorch in
# double precision, written from the published architecture. It shares nothing with llama.cpp or mascing except the file
# formats.
#
#   hf_forward.py same_replies FOLDER BAKED PEFT N TOKENS    whether the folder with the adapter answers as the baked one
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/cli"))
import gguf_tools  # noqa: E402

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Model:
    """`push(i_layer, logits [N, E])`, if given, replaces the router logits by its return value. `adapter` is the folder of
    a PEFT adapter."""

    def __init__(self, folder, push=None, adapter=None):
        with open(folder + "/config.json") as file:
            self.config = json.load(file)
        self.weight = {name: torch.frombuffer(bytearray(data), dtype=TYPES[dtype]).reshape(shape).double()
                       for name, (dtype, shape, data) in gguf_tools.read_folder(folder).items()}
        if adapter:
            self.add(adapter)
        self.push = push
        half = self.config["head_dim"] // 2
        self.turn = self.config["rope_theta"] ** (-torch.arange(half).double() / half)

    def add(self, adapter):
        """weight + lora_alpha / r * lora_B lora_A, for each of the adapter's modules, as PEFT documents it."""
        with open(adapter + "/adapter_config.json") as file:
            config = json.load(file)
        tensors = {name: torch.frombuffer(bytearray(data), dtype=TYPES[dtype]).reshape(shape).double() for name, (
            dtype, shape, data) in gguf_tools.read_safetensors(adapter + "/adapter_model.safetensors").items()}
        for module in config["target_modules"]:
            a, b = (tensors.pop("base_model.model.%s.lora_%s.weight" % (module, side)) for side in "AB")
            self.weight[module + ".weight"] += config["lora_alpha"] / config["r"] * b @ a
        assert not tensors, tensors.keys()

    def norm(self, x, name):
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"])
        return x * self.weight[name + ".weight"]

    def rotate(self, x, start):
        angle = (start + torch.arange(x.shape[2]).double())[:, None] * self.turn
        a, b = x.chunk(2, -1)
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)

    def attention(self, x, name, cache):
        c, (n_batch, n_token, _) = self.config, x.shape
        q, k, v = ((x @ self.weight[name + "%s_proj.weight" % p].T).view(n_batch, n_token, -1, c["head_dim"]) for p in "qkv")
        start = cache[name][0].shape[2] if name in cache else 0
        q = self.rotate(self.norm(q, name + "q_norm").transpose(1, 2), start)
        k, v = self.rotate(self.norm(k, name + "k_norm").transpose(1, 2), start), v.transpose(1, 2)
        if start:
            k, v = torch.cat([cache[name][0], k], 2), torch.cat([cache[name][1], v], 2)
        cache[name] = k, v
        group = c["num_attention_heads"] // c["num_key_value_heads"]
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        future = torch.ones(n_token, k.shape[2]).triu(start + 1).bool()
        score = (q @ k.transpose(2, 3) / c["head_dim"] ** 0.5).masked_fill(future, -float("inf"))
        y = (score.softmax(-1) @ v).transpose(1, 2).reshape(n_batch, n_token, -1)
        return y @ self.weight[name + "o_proj.weight"].T

    def experts(self, x, i_layer):
        name = "model.layers.%d.mlp." % i_layer
        rows = x.reshape(-1, x.shape[-1])
        logits = rows @ self.weight[name + "gate.weight"].T
        if self.push:
            logits = self.push(i_layer, logits)
        share, chosen = logits.softmax(-1).topk(self.config["num_experts_per_tok"], -1)
        share = share / share.sum(-1, keepdim=True)
        out = torch.zeros_like(rows)
        for e in chosen.unique().tolist():
            token, slot = (chosen == e).nonzero(as_tuple=True)
            up, gate, down = (self.weight["%sexperts.%d.%s_proj.weight" % (name, e, p)].T for p in ("up", "gate", "down"))
            y = (torch.nn.functional.silu(rows[token] @ gate) * (rows[token] @ up)) @ down
            out.index_add_(0, token, y * share[token, slot, None])
        return out.view_as(x)

    def logits(self, ids, cache):
        """Logits of the last position, [B, V]. `cache` is a dict, empty at the start of a conversation."""
        x = self.weight["model.embed_tokens.weight"][ids]
        for i in range(self.config["num_hidden_layers"]):
            name = "model.layers.%d." % i
            x = x + self.attention(self.norm(x, name + "input_layernorm"), name + "self_attn.", cache)
            x = x + self.experts(self.norm(x, name + "post_attention_layernorm"), i)
        return self.norm(x[:, -1], "model.norm") @ self.weight["model.embed_tokens.weight"].T

    def generate(self, prompts, n_token):
        """Greedy continuations of lists of token ids; prompts of the same length form a batch."""
        replies = [None] * len(prompts)
        by_length = {}
        for i, prompt in enumerate(prompts):
            by_length.setdefault(len(prompt), []).append(i)
        for members in by_length.values():
            ids, cache, rows = torch.tensor([prompts[i] for i in members]), {}, [[] for _ in members]
            for _ in range(n_token):
                ids = self.logits(ids, cache).argmax(-1, keepdim=True)
                for row, token in zip(rows, ids[:, 0].tolist()):
                    row.append(token)
            for i, row in zip(members, rows):
                end = self.config["eos_token_id"]
                replies[i] = row[:row.index(end)] if end in row else row
        return replies


def exact_push(path):
    """The mask itself: z + alpha * sigma * S. Sigma is that of the layer if it is calibrated, otherwise the token's own,
    over its experts with divisor E."""
    keys, tensors = gguf_tools.read_gguf(path)
    (n_expert, n_layer), _, _ = tensors["steer"]
    parts = {keys["mascing.sigma_rule"]: "steer"}
    parts.update({rule: "steer." + rule for rule in keys.get("mascing.part_rules", [])})
    assert set(parts) <= {"token", "calibrated"}, parts
    steer = {rule: torch.tensor(gguf_tools.floats(tensors[name])).double().view(n_layer, n_expert)
             for rule, name in parts.items()}
    alpha, sigma = keys["mascing.alpha"], gguf_tools.floats(tensors["sigma"])

    def push(i, z):
        own = {"token": z.std(-1, unbiased=False, keepdim=True), "calibrated": sigma[i]}
        return z + alpha * sum(own[rule] * steer[rule][i] for rule in steer)
    return push


def easysteer_push(path):
    """EasySteer's documented soft mode: z + lambda * torch.std(z) for the listed experts. Keys are block numbers."""
    with open(path) as file:
        layers = {int(i): layer for i, layer in json.load(file)["layer_configs"].items()}

    def push(i, z):
        if i not in layers:
            return z
        z = z.clone()
        z[:, layers[i]["expert_ids"]] += layers[i]["lambda"] * z.std(-1, keepdim=True)
        return z
    return push


def same_replies(folder, baked, peft, n, n_token):
    plain = Model(folder)
    n_vocab = plain.weight["model.embed_tokens.weight"].shape[0]
    prompts = [[(37 * i + 11 * j * j + 5) % n_vocab for j in range(24)] for i in range(int(n))]
    unsteered, wanted, got = (model.generate(prompts, int(n_token))
                              for model in (plain, Model(baked), Model(folder, adapter=peft)))
    assert unsteered != wanted, "the mask changes none of these replies"
    print(sum(a == b for a, b in zip(wanted, got)), "of", len(prompts), "replies are the same")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
