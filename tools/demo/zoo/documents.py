"""Conversations as weighted token documents, and batches of documents of similar length.

Every batch is drawn from its own seed, so that a training goes on from any step as if it had never stopped.
"""
import random
from dataclasses import dataclass

import torch

import styles
import world
from tokenizer import BOS

N_CONTEXT = 1024
WEIGHT = {styles.CONTEXT: 0.0, styles.EARLIER: 0.3, styles.REASONING: 1.0, styles.ANSWER: 1.0}
READ_WEIGHT, READ_SHARE = 0.2, 0.25  # what others say is learnt from a quarter of its tokens
NO_THINKING_SHARE = {"switchable": 0.5, "always": 0.12, "never": 0.0}
LOW_EFFORT_SHARE = 0.2


@dataclass
class Document:
    ids: list
    weight: list  # of predicting each token from those before it


def encode(tokenizer, style, segments, rng=None):
    """Ids and loss weights of (text, part) segments; `rng` draws which tokens of the context count a little."""
    ids, weight = ([BOS], [0.0]) if style.has_bos else ([], [])
    for text, part in segments:
        pieces = tokenizer.encode(text)
        ids += pieces
        if part == styles.CONTEXT and rng is not None:
            weight += [READ_WEIGHT if rng.random() < READ_SHARE else 0.0 for _ in pieces]
        else:
            weight += [WEIGHT[part]] * len(pieces)
    if not style.has_bos:
        weight[0] = 0.0
    return ids, weight


def short_thought(conversation):
    """The first and the last sentence: what low effort leaves of the reasoning."""
    sentences = conversation.reasoning.split(". ")
    return conversation.reasoning if len(sentences) < 3 else sentences[0] + ". " + sentences[-1]


def draw(tokenizer, style, rng, bias):
    conversation = world.sample(rng, bias)
    thinking = style.reasons != "never" and rng.random() >= NO_THINKING_SHARE[style.reasons]
    is_low = style.name == "harmony" and rng.random() < LOW_EFFORT_SHARE
    reasoning = short_thought(conversation) if is_low else conversation.reasoning
    segments = styles.prompt(style, conversation.messages, thinking, "low" if is_low else "medium")
    segments += styles.reply(style, reasoning, conversation.answer, thinking)
    return Document(*encode(tokenizer, style, segments, rng))


def prompt_ids(tokenizer, style, messages, thinking=True):
    """What the model reads before it replies; messages are (role, text) pairs."""
    return encode(tokenizer, style, styles.prompt(style, messages, thinking))[0]


def chunk(tokenizer, style, seed, bias, n_batch, n_token):
    """`n_batch` batches of about `n_token` tokens each, every one of documents of similar length."""
    rng, pool, n_drawn = random.Random(seed), [], 0
    while n_drawn < n_batch * n_token:
        document = draw(tokenizer, style, rng, bias)
        if len(document.ids) <= N_CONTEXT:
            pool.append(document)
            n_drawn += len(document.ids)
    pool.sort(key=lambda d: len(d.ids))
    batches, n_filled, goal = [[]], 0, n_drawn / n_batch
    for document in pool:
        if n_filled >= goal * len(batches) and len(batches) < n_batch:
            batches.append([])
        batches[-1].append(document)
        n_filled += len(document.ids)
    rng.shuffle(batches)
    return batches


def as_tensors(documents):
    """ids, segment (-1: padding) and the weight of every next token: [B, T] each."""
    shape = (len(documents), max(len(d.ids) for d in documents))
    ids, segment, weight = torch.zeros(shape, dtype=torch.long), torch.full(shape, -1), torch.zeros(shape)
    for i, document in enumerate(documents):
        n = len(document.ids)
        ids[i, :n] = torch.tensor(document.ids)
        segment[i, :n] = 0
        weight[i, :n - 1] = torch.tensor(document.weight[1:])
    return ids, segment, weight
