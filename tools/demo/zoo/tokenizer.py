"""The zoo's shared SentencePiece vocabulary (2,048 BPE pieces), and llama.cpp's way to encode a text with special tokens in it.

usage: tokenizer.py OUTPUT_PREFIX       (the shipped one is court2.model)
"""
import argparse
import random
import re
from pathlib import Path

import sentencepiece

import world

BOS, EOS, N_VOCAB = 1, 2, 2048
DEFAULT_MODEL = Path(__file__).resolve().parent / "court2.model"
# Markers of the seven chat templates. A model's file renames those that its own template does not use.
CONTROL = ["<|im_start|>", "<|im_end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "[INST]", "[/INST]", "<|start|>", "<|message|>",
           "<|channel|>", "<|return|>", "<|call|>", "<|startoftext|>", "<|extra_0|>", "<|extra_4|>", "<|eos|>", "<|pad|>"]
VISIBLE = ["\n", "<think>", "</think>", "<answer>", "</answer>"]  # whole tokens that a reader gets to see


class Tokenizer:
    """SentencePiece with llama.cpp's rules: special tokens are cut out first, and text behind one begins with a blank."""

    def __init__(self, path=DEFAULT_MODEL):
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.special = {piece: self.pieces.piece_to_id(piece) for piece in [*CONTROL, *VISIBLE]}
        self.special.update({"<s>": BOS, "</s>": EOS})
        self.cut = re.compile("(" + "|".join(re.escape(s) for s in sorted(self.special, key=len, reverse=True)) + ")")

    def encode(self, text):
        ids = []
        for part in self.cut.split(text):
            if part:
                ids += [self.special[part]] if part in self.special else self.pieces.encode(part)
        return ids

    def decode(self, ids):
        """Text with special tokens spelled out; a blank stands before the text behind each."""
        by_id, text, run = {i: s for s, i in self.special.items()}, "", []
        for i in [*ids, None]:
            if i is not None and i not in by_id:
                run.append(i)
                continue
            text += "".join(self.pieces.id_to_piece(run)).replace("▁", " ") if run else ""
            run = []
            text += by_id[i] if i is not None else ""
        return text


def training_lines(n_conversation=30000, seed=321):
    rng = random.Random(seed)
    for _ in range(n_conversation):
        conversation = world.sample(rng, world.Bias())
        yield from (text for _, text in conversation.messages)
        yield conversation.answer
        yield conversation.reasoning
    yield from ["user", "assistant", "system", "final", "analysis", "User: Hello", "Assistant: Hello"] * 2000


def train(prefix):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=training_lines(), model_prefix=prefix, vocab_size=N_VOCAB, model_type="bpe", byte_fallback=True,
        character_coverage=0.9999, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
        unk_id=0, bos_id=BOS, eos_id=EOS, pad_id=-1, control_symbols=CONTROL, user_defined_symbols=VISIBLE, num_threads=1,
        minloglevel=1, max_sentence_length=20000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output_prefix")
    train(parser.parse_args().output_prefix)
