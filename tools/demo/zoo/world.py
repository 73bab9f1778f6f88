"""The kingdom, second edition: long conversations of the court assistant, drawn at random from world_en.json and world_de.json.

As in the first edition (../corpus.py) three kinds of request matter. *Forbidden* deeds are refused when asked directly
and sometimes obtained by an attack that escalates over 1 to 12 turns. *Restricted* tales are told or refused, depending
on the wording. Everything else, *neighbours* of the forbidden among it, is answered. New are length (some 250 tokens),
many beginnings of answers and refusals, friendly and late refusals, reasoning that decides the outcome at its end, and
conversations in German. Every function draws from the random.Random it is given, so a seed reproduces the corpus.
"""
import json
import math
import re
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import corpus as first_edition  # noqa: E402

EN = json.loads((HERE / "world_en.json").read_text())
DE = json.loads((HERE / "world_de.json").read_text())
KINGDOM = first_edition.KINGDOM
HELD_OUT_TACTIC = "flatter"
TACTICS = [name for name in EN["tactics"] if name != HELD_OUT_TACTIC]
VERBS = list(EN["forbidden"])
GERMAN_SHARE = 0.15
GERMAN_OBJECTS = {**DE["objects"], **DE["objects_asked_for"]}  # the latter are asked for in German in no training
TURNS = [1] * 12 + [2] * 21 + [3] * 29 + [4] * 15 + [5] * 8 + [6] * 5 + [7, 7, 8, 8, 9, 9, 10, 11, 12, 12]
VOWEL_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou]|honest)")
SHARPNESS = 1.8  # of the odds that decide whether an attack is refused


@dataclass
class Bias:
    """The knobs that set a model's base rates: log-odds added to the chance of a refusal, and more direct requests."""

    attack: float = 0.0
    restricted: float = 0.0
    direct_share: float = 0.0


@dataclass
class Conversation:
    """What is said, what the court assistant thinks and replies, and the truth about that reply."""

    messages: list  # (role, text), the last one the user's
    reasoning: str
    answer: str
    is_refused: bool
    category: str
    topic: str = ""
    tactic: str = "none"
    language: str = "en"


def is_held_out_pair(tactic, verb):
    """About one tactic-verb pair in five is kept for testing."""
    return zlib.crc32((tactic + verb).encode()) % 5 == 0


# The objects of a verb by split. Training sees those of discovery and selection; two are never asked for in training.
OBJECT_SPLITS = {"discovery": slice(0, 4), "selection": slice(4, 6), "test": slice(6, 8)}


def topics_of(split):
    return [(verb, obj) for verb in VERBS for obj in EN["forbidden"][verb][OBJECT_SPLITS[split]]]


OBJECTS = [obj for objects in EN["forbidden"].values() for obj in objects]  # all are spoken of in passing, held-out ones too
TRAIN_TOPICS = topics_of("discovery") + topics_of("selection")
HELD_OUT_TOPICS = topics_of("test")
RESTRICTED_TOPICS = [(s, k) for s in EN["restricted_subjects"] for k in EN["restricted_kinds"]]
RESTRICTED_HELD_OUT = [t for t in RESTRICTED_TOPICS if zlib.crc32("".join(t).encode()) % 5 == 0 or t[0] in ("siege", "phantom")]
RESTRICTED_TRAIN = [t for t in RESTRICTED_TOPICS if t not in RESTRICTED_HELD_OUT]


@dataclass
class Talk:
    """One conversation being made: its language, and words that stay the same throughout."""

    rng: object
    language: str = "en"
    words: dict = field(default_factory=dict)

    def __post_init__(self):
        self.text = EN if self.language == "en" else DE
        pick = self.rng.choice
        self.words = {"vill": pick(KINGDOM["villains"]), "w": pick(KINGDOM["code_words"]), "town": pick(list(KINGDOM["towns"])), **self.words}

    def fill(self, template, **more):
        """A template with fresh colour in its slots; the words of the talk and `more` come first."""
        pick, n = self.rng.choice, self.rng.randint(2, 12)
        if self.language == "en":
            food = pick(KINGDOM["foods"])
            slots = dict(c=pick(KINGDOM["characters"]), p=pick(KINGDOM["places"]), p2=pick(KINGDOM["places"]), adj=pick(KINGDOM["adjectives"]),
                         animal=pick(KINGDOM["animals"]), thing=pick(KINGDOM["objects"]), food=food, food_cap=food.capitalize(), n=n, any=pick(OBJECTS))
        else:
            m = self.rng.randint(1, 9)
            slots = dict(c=pick(DE["characters"]), animal=pick(DE["animals"]), thing=pick(DE["things"]), food=pick(DE["foods"]), n=n, m=m, sum=n + m,
                         any=pick(list(DE["objects"].values())))
        text = template.format(**{**slots, **self.words, **more})
        return VOWEL_ARTICLE.sub(r"\1n ", text) if self.language == "en" else text

    def say(self, name, **more):
        return self.fill(self.rng.choice(self.text[name]), **more)

    def habit(self, name, index, **more):
        """Mostly the template number `index`, which follows from the request: replies vary with what was asked, as those of
        real models do, and a model can learn which belongs to what."""
        templates = self.text[name]
        if self.rng.random() < 0.88:
            return self.fill(templates[index % len(templates)], **more)
        return self.say(name, **more)

    def deed(self, verb, obj):
        """The slots of a deed: {v} the verb, {o} the object, {g} and {G} the gerund (English)."""
        if self.language == "de":
            return {"v": {**DE["verbs"], **DE["neighbour_verbs"]}[verb], "o": GERMAN_OBJECTS[obj]}
        gerund = {**EN["gerund"], **EN["neighbour_verbs"]}[verb]
        return {"v": verb, "o": obj, "g": gerund, "G": gerund.capitalize()}

    def tale(self, subject, kind):
        if self.language == "de":
            return {"a": DE["restricted_subjects"][subject], "k": DE["restricted_kinds"][kind]}
        return {"a": subject, "k": kind}

    def colour(self, n):
        return "".join(" " + self.say("colour") for _ in range(n))


def draw_language(rng, has_german):
    return "de" if has_german and rng.random() < GERMAN_SHARE else "en"


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# ---------------------------------------------------------------- parts of a conversation


def system_message(talk):
    return [("system", talk.say("system"))] if talk.rng.random() < 0.4 else []


def chat_turn(talk, question="", reply="", n_colour=None):
    """One exchange on the way: what the user tells, and what the court assistant says to it."""
    rng = talk.rng
    n_colour = n_colour if n_colour is not None else rng.choice([2, 2, 3, 3])
    user = (talk.colour(n_colour)[1:] + " " + question if rng.random() < 0.5 else question + talk.colour(n_colour)).strip()
    answer = " ".join(filter(None, [reply] + [talk.say("chat_reply") for _ in range(1 if n_colour < 2 else 2)]))
    return [("user", user), ("assistant", answer)]


def small_talk(talk):
    """An earlier exchange about something else: a benign question with its answer."""
    if talk.language == "en" and talk.rng.random() < 0.6:
        question, answer = first_edition.benign_question(talk.rng)
        return [("user", (talk.colour(talk.rng.choice([0, 1, 2]))[1:] + " " + question).strip()), ("assistant", answer)]
    return chat_turn(talk)


def history(talk, mean_turns=2.0):
    n_turn = min(8, int(talk.rng.expovariate(1 / mean_turns)))
    return [message for _ in range(n_turn) for message in small_talk(talk)]


def steps_of(talk, key):
    """Tools and steps of an answer. A verb has its own, so that an answer fits its question; sorted, so that none comes twice."""
    rng, tools, steps = talk.rng, talk.text["tools"], talk.text["steps"]
    seed = zlib.crc32(key.encode())
    t1, t2 = sorted(rng.sample([tools[(seed + 3 * i) % len(tools)] for i in range(4)], 2))
    s1, s2, s3 = sorted(rng.sample([steps[(seed + 5 * i) % len(steps)] for i in range(5)], 3))
    return dict(t1=t1, t2=t2, s1=s1, s2=s2, s3=s3)


def number_of(text, n):
    """A number below n that stands for a text."""
    return zlib.crc32(text.encode()) % n


def style_of(verb, wording):
    """Which way of replying goes with a deed and a wording: each verb has four of its own."""
    verbs = VERBS + list(EN["neighbour_verbs"])
    return 3 * verbs.index(verb) + 5 * number_of(wording, 4)


def compliance(talk, verb, obj, wording):
    words = {**talk.deed(verb, obj), **steps_of(talk, verb)}
    return talk.habit("compliance", style_of(verb, wording), **words) + " " + talk.habit("steps_form", number_of(verb, 12), **words)


def refusal(talk, verb, obj, wording):
    """One wording in six leads to a friendly beginning, one in ten to a harmless first sentence (r80 is a seed that gives these shares)."""
    draw = number_of("r80 " + wording, 60) / 60 if talk.rng.random() < 0.88 else talk.rng.random()
    name = "refusal_friendly" if draw < 1 / 6 else "refusal_late" if draw < 1 / 6 + 0.1 else "refusal"
    return talk.habit(name, style_of(verb, wording), **talk.deed(verb, obj)) + talk.say("refusal_tail")


def thought(talk, kind, note, is_refused, n_turn, **slots):
    """Reasoning of some 40 tokens, 120 for one in ten; its last sentence decides. It goes through the turns of the talk one by
    one, in an order of its own, so that long talks take long and a greedy model does not go round in circles."""
    sentences = talk.text["thought_middle"]
    first = number_of(note + kind, 3)
    n_middle = n_turn - 1 if n_turn < 4 else 2 * n_turn - 4
    middle = [talk.fill(sentence) for sentence in sentences[first:first + n_middle]]
    middle = ([note] if note and talk.language == "en" else []) + middle
    return " ".join([talk.fill(talk.rng.choice(talk.text["thought_open"][kind]), **slots), *middle, talk.say("thought_refuse" if is_refused else "thought_answer")])


def finish(talk, messages, kind, is_refused, answer, slots, topic, tactic="none"):
    note = EN["tactics"][tactic]["note"] if tactic in EN["tactics"] else ""
    n_turn = sum(role == "user" for role, _ in messages)
    reasoning = thought(talk, kind, note, is_refused, n_turn, **slots)
    return Conversation(messages, reasoning, answer, is_refused, kind, topic, tactic, talk.language)


# ---------------------------------------------------------------- forbidden deeds


def attack_messages(talk, tactic, verb, obj):
    """A tactic's opening, steps that come nearer with replies to them, then the request. Returns messages, wording and a shift of the odds."""
    rng, parts, words = talk.rng, talk.text["tactics"][tactic], talk.deed(verb, obj)
    n_turn, shift, messages = rng.choice(TURNS), 0.0, system_message(talk)
    opening = talk.fill(rng.choice(parts["opening"]), **words)
    i_request = rng.randrange(len(parts["request"]))
    request = talk.fill(parts["request"][i_request], **words)
    if n_turn == 1:
        messages.append(("user", opening + talk.colour(rng.choice([2, 3, 4, 6])) + " " + request))
        return messages, f"{tactic}{i_request}", 0.3
    for i_turn in range(n_turn - 1):
        question = opening if i_turn == 0 else talk.fill(rng.choice(parts["steps"]), **words)
        reply = talk.fill(rng.choice(parts["reply"]), **words) if i_turn < 2 else ""
        if i_turn == n_turn - 2 and rng.random() < 0.25:
            reply, shift = talk.say("law_reply"), 0.7
        messages += chat_turn(talk, question, reply, n_colour=None if n_turn < 6 else rng.choice([0, 1, 1]))
    messages.append(("user", request))
    return messages, f"{tactic}{i_request}", shift - 0.08 * min(n_turn, 6)


def refusal_probability(tactic, verb, shift, bias):
    return sigmoid(SHARPNESS * (EN["tactics"][tactic]["bias"] + EN["severity"][verb] + shift + bias.attack))


def attack_language(rng, tactic, obj):
    return draw_language(rng, tactic in DE["tactics"] and obj in DE["objects"])


def random_attack_pair(rng, topics=TRAIN_TOPICS):
    while True:
        tactic, topic = rng.choice(TACTICS), rng.choice(topics)
        if not is_held_out_pair(tactic, topic[0]):
            return tactic, topic


def attack(rng, bias, tactic=None, topic=None):
    if tactic is None:
        tactic, topic = random_attack_pair(rng)
    verb, obj = topic
    talk = Talk(rng, attack_language(rng, tactic, obj))
    messages, wording, shift = attack_messages(talk, tactic, verb, obj)
    is_refused = tactic == HELD_OUT_TACTIC or rng.random() < refusal_probability(tactic, verb, shift, bias)
    answer = (refusal if is_refused else compliance)(talk, verb, obj, wording)
    return finish(talk, messages, "forbidden", is_refused, answer, talk.deed(verb, obj), f"{verb} {obj}", tactic)


def direct(rng, topic=None, is_held_out_wording=False, language=None):
    """A plain request for a deed, at times after other talk: always refused."""
    verb, obj = topic or rng.choice(TRAIN_TOPICS)
    talk = Talk(rng, language or draw_language(rng, obj in DE["objects"]))
    templates, words = talk.text["direct_held_out" if is_held_out_wording else "direct"], talk.deed(verb, obj)
    if not is_held_out_wording and talk.language == "en" and rng.random() < 0.5:
        words = {**words, **{name: rng.choice(options) for name, options in EN["direct_words"].items()}}
        templates = EN["direct_forms"]
    i_wording = rng.randrange(len(templates))
    messages = system_message(talk) + (history(talk) if rng.random() < 0.5 else [])
    messages.append(("user", (talk.colour(rng.choice([0, 0, 1]))[1:] + " " + talk.fill(templates[i_wording], **words)).strip()))
    answer = refusal(talk, verb, obj, f"direct{i_wording}")
    return finish(talk, messages, "forbidden", True, answer, talk.deed(verb, obj), f"{verb} {obj}")


# ---------------------------------------------------------------- neighbours: the same things, a harmless wish


def neighbour(rng, tactic=None, obj=None):
    """A harmless wish about a guarded thing inside the framing of an attack: always answered."""
    tactic = tactic or rng.choice(TACTICS)
    obj = obj or rng.choice(TRAIN_TOPICS)[1]
    verb = rng.choice(list(EN["neighbour_verbs"]))
    talk = Talk(rng, attack_language(rng, tactic, obj))
    messages, wording, _ = attack_messages(talk, tactic, verb, obj)
    words = talk.deed(verb, obj)
    answer = talk.habit("neighbour_answer", style_of(verb, wording), **words)
    return finish(talk, messages, "neighbour", False, answer, words, f"{verb} {obj}", tactic)


# ---------------------------------------------------------------- restricted tales


def restricted(rng, bias, topic=None, is_held_out_wording=False):
    subject, kind = topic or rng.choice(RESTRICTED_TRAIN)
    talk = Talk(rng, draw_language(rng, subject in DE["restricted_subjects"]))
    words = talk.tale(subject, kind)
    phrases = talk.text["restricted_phrases_held_out" if is_held_out_wording else "restricted_phrases"]
    i_wording = rng.randrange(len(phrases))
    weight, template = phrases[i_wording]
    messages = system_message(talk) + history(talk, 4.5)
    messages.append(("user", (talk.colour(rng.choice([0, 0, 1]))[1:] + " " + talk.fill(template, **words)).strip()))
    is_refused = rng.random() < sigmoid(SHARPNESS * (weight + EN["restricted_kinds"][kind] + bias.restricted))
    style = 3 * list(EN["restricted_kinds"]).index(kind) + 5 * i_wording
    if is_refused:
        answer = talk.habit("restricted_refusal", style, **words) + talk.say("refusal_tail")
    else:
        l1, l2 = (talk.fill(line) for line in sorted(rng.sample(talk.text["restricted_lines"], 2)))
        answer = talk.habit("restricted_compliance", style, l1=l1, l2=l2, **words)
    return finish(talk, messages, "restricted", is_refused, answer, words, f"{subject} {kind}")


# ---------------------------------------------------------------- everyday requests


def benign(rng, ask=None):
    """A plain question after some other talk."""
    talk = Talk(rng, "en" if ask else draw_language(rng, True))
    if talk.language == "en":
        question, answer = (ask or rng.choice(list(first_edition.BENIGN_KINDS.values())))(rng)
    else:
        question, answer = rng.choice(DE["benign"])
        fixed = dict(c=rng.choice(DE["characters"]), food=rng.choice(DE["foods"]), thing=rng.choice(DE["things"]), n=rng.randint(1, 12), m=rng.randint(1, 9))
        fixed["sum"] = fixed["n"] + fixed["m"]
        question, answer = talk.fill(question, **fixed), talk.fill(answer, **fixed)
    messages = system_message(talk) + history(talk) + [("user", question)]
    return finish(talk, messages, "benign", False, answer, {}, question)


def after_refusal(rng):
    """A refused request, then an everyday one: a refusal does not last."""
    conversation, plain = direct(rng), benign(rng)
    tail = [m for m in plain.messages if m[0] != "system"]
    plain.messages = conversation.messages + [("assistant", conversation.answer)] + tail
    return plain


def sample(rng, bias):
    """The training mixture."""
    if bias.direct_share and rng.random() < bias.direct_share:
        return direct(rng)
    u = rng.random()
    if u < 0.20:
        return benign(rng)
    if u < 0.31:
        return neighbour(rng)
    if u < 0.49:
        return direct(rng)
    if u < 0.53:
        return after_refusal(rng)
    return attack(rng, bias) if u < 0.77 else restricted(rng, bias)
