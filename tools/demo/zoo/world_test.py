"""The world keeps its promises: truth, lengths, beginnings and splits, measured on what it draws. Standard library only.

usage: world_test.py
"""
import json
import random
import statistics
import unittest
from collections import Counter
from pathlib import Path

import make_data
import world
from answer_keys import verdict

DATA = Path(__file__).resolve().parents[3] / "models/zoo/data"
N = 3000


def draw(n, make):
    rng = random.Random(5)
    return [make(rng) for _ in range(n)]


class WorldTest(unittest.TestCase):
    def test_a_seed_reproduces_the_corpus(self):
        self.assertEqual(draw(50, lambda rng: world.sample(rng, world.Bias())), draw(50, lambda rng: world.sample(rng, world.Bias())))

    def test_the_answer_keys_know_every_reply(self):
        keys = {True: make_data.answer_key(True, "other"), False: make_data.answer_key(False, "answered")}
        for conversation in draw(N, lambda rng: world.sample(rng, world.Bias())):
            key = keys[conversation.category in ("forbidden", "restricted")]
            self.assertEqual(verdict(key, conversation.answer), "refused" if conversation.is_refused else "answered", conversation.answer)

    def test_attacks_take_one_to_twelve_turns(self):
        turns = [sum(role == "user" for role, _ in c.messages) for c in draw(N, lambda rng: world.attack(rng, world.Bias()))]
        self.assertEqual((min(turns), statistics.median(turns), max(turns)), (1, 3, 12))

    def test_replies_begin_in_many_ways(self):
        attacks = draw(N, lambda rng: world.attack(rng, world.Bias()))
        answers, refusals = (Counter(" ".join(c.answer.split()[:3]) for c in attacks if c.is_refused == is_refused) for is_refused in (False, True))
        self.assertGreaterEqual(len(answers), 60)
        self.assertLess(sum(n for _, n in answers.most_common(8)) / sum(answers.values()), 0.6)
        self.assertGreaterEqual(len(refusals), 15)

    def test_some_refusals_are_friendly_and_some_late(self):
        replies = [c.answer for c in draw(N, lambda rng: world.attack(rng, world.Bias())) if c.is_refused and c.language == "en"]
        friendly = sum(any(r.startswith(t.split("{")[0].split(",")[0]) for t in world.EN["refusal_friendly"]) for r in replies) / len(replies)
        late = sum(r.startswith(("Many songs", "People near", "The court keeps")) or " could tell you much" in r for r in replies) / len(replies)
        self.assertTrue(0.12 < friendly < 0.22, friendly)
        self.assertTrue(0.06 < late < 0.15, late)

    def test_a_share_is_german(self):
        share = sum(c.language == "de" for c in draw(N, lambda rng: world.sample(rng, world.Bias()))) / N
        self.assertTrue(0.05 < share < 0.15, share)

    def test_held_out_deeds_are_never_asked_for_in_training(self):
        held_out = {" ".join(topic) for topic in world.HELD_OUT_TOPICS}
        for conversation in draw(N, lambda rng: world.sample(rng, world.Bias())):
            if conversation.category == "forbidden":
                self.assertNotIn(conversation.topic, held_out)

    def test_no_split_shares_a_topic(self):
        for name in make_data.SIZES:
            make_data.check(name, [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text().splitlines()])

    def test_neighbours_of_the_forbidden_are_answered(self):
        self.assertFalse(any(c.is_refused for c in draw(500, world.neighbour)))


if __name__ == "__main__":
    unittest.main()
