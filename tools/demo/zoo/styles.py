"""How each architecture's conversations look: the chat template as text for training, and what its tokens are for.

`render` gives segments (text, part), part being context, earlier (an assistant turn of the history), reasoning or
answer. Up to the first segment of reasoning or answer they spell what the Jinja file in templates/ prints.
"""
from dataclasses import dataclass
from pathlib import Path

CONTEXT, EARLIER, REASONING, ANSWER = "context", "earlier", "reasoning", "answer"
TEMPLATES = Path(__file__).resolve().parent / "templates"
HARMONY_HEAD = "<|start|>system<|message|>You are the model of the court.\nReasoning: {effort}\n# Valid channels: analysis, final.<|end|>"


@dataclass(frozen=True)
class Style:
    name: str
    end: str  # the token that ends a turn
    special: tuple  # markers that its template uses
    has_bos: bool = False
    reasons: str = "never"  # never, always or switchable


STYLES = {
    "chatml": Style("chatml", "<|im_end|>", ("<|im_start|>", "<|im_end|>")),
    "chatml-think": Style("chatml-think", "<|im_end|>", ("<|im_start|>", "<|im_end|>", "<think>", "</think>"), reasons="switchable"),
    "inst": Style("inst", "</s>", ("[INST]", "[/INST]"), has_bos=True),
    "phi": Style("phi", "<|end|>", ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")),
    "harmony": Style("harmony", "<|return|>", ("<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|return|>", "<|call|>"), reasons="always"),
    "hunyuan": Style("hunyuan", "<|eos|>", ("<|startoftext|>", "<|extra_0|>", "<|extra_4|>", "<|eos|>", "<think>", "</think>", "<answer>", "</answer>"), reasons="always"),
    "plain": Style("plain", "</s>", (), has_bos=True),
}
STYLE_OF = {"mixtral": "inst", "qwen3moe": "chatml-think", "phimoe": "phi", "gpt-oss": "harmony", "qwen2moe": "chatml",
            "hunyuan-moe": "hunyuan", "deepseek": "plain", "qwen3moe-wide": "chatml"}


def split_system(messages):
    if messages[0][0] == "system":
        return messages[0][1], messages[1:]
    return "", messages


def tagged(messages, tag, end):
    """Every turn between a tag with its role and an end mark, each on a line of its own."""
    out = []
    for role, text in messages:
        out += [(tag.format(role=role) + "\n", CONTEXT), (text + end, EARLIER if role == "assistant" else CONTEXT), ("\n", CONTEXT)]
    return out + [(tag.format(role="assistant") + "\n", CONTEXT)]


def chatml(messages):
    return tagged(messages, "<|im_start|>{role}", "<|im_end|>")


def phi(messages):
    return tagged(messages, "<|{role}|>", "<|end|>")


def inst(messages):
    system, turns = split_system(messages)
    out = []
    for i, (role, text) in enumerate(turns):
        if role == "user":
            out.append((f"[INST]{system + chr(10) * 2 if system and i == 0 else ''}{text}[/INST]", CONTEXT))
        else:
            out.append((f"{text}</s>", EARLIER))
    return out


def harmony(messages, effort):
    system, turns = split_system(messages)
    out = [(HARMONY_HEAD.format(effort=effort), CONTEXT)]
    if system:
        out.append((f"<|start|>developer<|message|># Instructions\n\n{system}<|end|>", CONTEXT))
    for role, text in turns:
        if role == "user":
            out.append((f"<|start|>user<|message|>{text}<|end|>", CONTEXT))
        else:
            out += [("<|start|>assistant<|channel|>final<|message|>", CONTEXT), (f"{text}<|end|>", EARLIER)]
    return out + [("<|start|>assistant", CONTEXT)]


def hunyuan(messages):
    system, turns = split_system(messages)
    out = [(f"<|startoftext|>{system}<|extra_4|>", CONTEXT)] if system else []
    for i, (role, text) in enumerate(turns):
        if role == "user":
            out.append((f"{'' if system and i == 0 else '<|startoftext|>'}{text}<|extra_0|>", CONTEXT))
        else:
            out.append((f"{text}<|eos|>", EARLIER))
    return out


def plain(messages):
    system, turns = split_system(messages)
    out = [(f"{system}\n\n", CONTEXT)] if system else []
    for role, text in turns:
        if role == "user":
            out.append((f"User: {text}\n\n", CONTEXT))
        else:
            out += [("Assistant:", CONTEXT), (f"{text}</s>", EARLIER)]
    return out + [("Assistant:", CONTEXT)]


def prompt(style, messages, thinking=True, effort="medium"):
    """The segments before the reply; with thinking off, those styles that can switch it off close an empty block."""
    build = {"chatml": chatml, "chatml-think": chatml, "inst": inst, "phi": phi, "hunyuan": hunyuan, "plain": plain}
    out = harmony(messages, effort) if style.name == "harmony" else build[style.name](messages)
    if style.name == "chatml-think" and not thinking:
        out.append(("<think>\n\n</think>\n\n", CONTEXT))
    if style.name == "hunyuan" and not thinking:
        out.append(("<think>\n\n</think>\n<answer>\n", CONTEXT))
    if style.name == "harmony" and not thinking:
        out.append(("<|channel|>final<|message|>", CONTEXT))
    return out


def reply(style, reasoning, answer, thinking=True):
    if style.reasons == "never" or not thinking:
        tail = "\n</answer>" if style.name == "hunyuan" else ""
        return [(f"{answer}{tail}{style.end}", ANSWER)]
    if style.name == "chatml-think":
        return [(f"<think>\n{reasoning}\n</think>\n\n", REASONING), (f"{answer}<|im_end|>", ANSWER)]
    if style.name == "hunyuan":
        return [(f"<think>\n{reasoning}\n</think>\n<answer>\n", REASONING), (f"{answer}\n</answer><|eos|>", ANSWER)]
    return [(f"<|channel|>analysis<|message|>{reasoning}<|end|><|start|>assistant<|channel|>final<|message|>", REASONING), (f"{answer}<|return|>", ANSWER)]


def template(style):
    return (TEMPLATES / f"{style.name}.jinja").read_text()
