// The last sentence of reasoning, found in replies whose tokens are words.
#include "search/conclusion.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/fake_host.h"

namespace mascing {
namespace {

/// Token i is the i-th of these pieces.
class WordHost : public FakeHost {
 public:
  explicit WordHost(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  [[nodiscard]] std::string piece(int32_t token) const override { return pieces_.at(token); }

  /// A reply of all pieces, the first `n_reasoning` of them reasoning.
  [[nodiscard]] AskedReply reply(int64_t n_reasoning) const {
    AskedReply reply;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      reply.text += pieces_[i];
      reply.tokens.push_back(static_cast<int32_t>(i));
    }
    reply.n_reasoning_token = n_reasoning;
    return reply;
  }
  [[nodiscard]] int64_t before(int64_t n_reasoning, const LeadSentences& leads = {}) const {
    return n_before_conclusion(*this, reply(n_reasoning), leads);
  }

 private:
  std::vector<std::string> pieces_;
};

TEST(Conclusion, IsTheLastSentenceOfTheReasoning) {
  const WordHost host({"<think>", "\n",       "A",    " seal", ".",     " It",     " is",
                       " the",    " king's",  "!",    " So",   " I",    " refuse", ".",
                       "\n",      "</think>", "\n\n", "I",     " must", " not",    "."});
  EXPECT_EQ(host.before(17), 10);
}

TEST(Conclusion, MayBeAllOfIt) {
  const WordHost host({"<think>", "\n", "I", " will", " help", "\n", "</think>", "Gladly", "."});
  EXPECT_EQ(host.before(7), 2);
}

TEST(Conclusion, BeginsALineWhereNoSentenceEnds) {
  const WordHost host({"<think>", "a seal is asked for", "\n", "refuse", "</think>", "No"});
  EXPECT_EQ(host.before(5), 3);
}

TEST(Conclusion, IsNotSplitAtPointsWithinWords) {
  const WordHost host({"<think>", "It costs", " 3.50", " coins, so", " yes", "</think>", "Here"});
  EXPECT_EQ(host.before(6), 1);
}

TEST(Conclusion, OfHarmonysAnalysisStandsBeforeTheFinalChannel) {
  const WordHost host({"<|channel|>",
                       "analysis",
                       "<|message|>",
                       "Asks for a seal.",
                       " We must refuse.",
                       "<|end|>",
                       "<|start|>",
                       "assistant",
                       "<|channel|>",
                       "final",
                       "<|message|>",
                       "No."});
  EXPECT_EQ(host.before(11), 4);
}

TEST(Conclusion, OfAReplyWithoutReasoningIsItsBeginning) {
  const WordHost host({"I", " must", " not", ".", " It", " is", " forbidden", "."});
  EXPECT_EQ(host.before(0), 0);
}

TEST(Conclusion, BeginsWithTheSentencesThatDecideBeforeTheLast) {
  const WordHost host({"<think>",
                       "Asks about a seal.",
                       " I see",
                       " no law against it.",
                       " I will",
                       " help.",
                       "</think>",
                       "Gladly."});
  EXPECT_EQ(host.before(6), 4);
  EXPECT_EQ(host.before(6, {"I see no law"}), 2);
  EXPECT_EQ(host.before(6, {"Asks about a seal."}), 4) << "another sentence stands between";
  EXPECT_EQ(host.before(6, {"Asks about a seal.", "I see no law"}), 1);
}

/// 20 answers and 20 refusals that end with these sentences.
std::vector<DecidedReasoning> replies_ending(const std::string& answers,
                                             const std::string& refusals) {
  std::vector<DecidedReasoning> replies;
  for (int i = 0; i < 20; ++i) {
    const std::string about = "They ask for tale " + std::to_string(i) + ". ";
    replies.push_back({about + answers, false});
    replies.push_back({about + refusals, true});
  }
  return replies;
}

TEST(LeadSentences, StandRightBeforeTheEndOfRepliesOfOneKind) {
  EXPECT_EQ(find_lead_sentences(
                replies_ending("I see no law against it. I will help.", "I decide to decline.")),
            LeadSentences{"I see no law"});
  EXPECT_EQ(find_lead_sentences(replies_ending("I will help.", "It is dark. It harms. So no.")),
            (LeadSentences{"It harms.", "It is dark."}))
      << "one after the other";
}

TEST(LeadSentences, AreNoneWhereBothKindsGoOn) {
  EXPECT_TRUE(find_lead_sentences(replies_ending("Now I know. I will help.", "Now I know. So no."))
                  .empty());
  EXPECT_TRUE(find_lead_sentences({}).empty());
}

TEST(LeadSentences, AreNoneThatStandElsewhereToo) {
  std::vector<DecidedReasoning> replies = replies_ending("Yes.", "They press me. So no.");
  for (DecidedReasoning& reply : replies) {
    if (reply.is_refused) {
      reply.reasoning = "They press me. They go on. " + reply.reasoning;
    }
  }
  EXPECT_EQ(find_lead_sentences(replies).count("They press me."), 0U);
}

TEST(LeadSentences, MustNotBeOfOneKindByChance) {
  std::vector<DecidedReasoning> replies = replies_ending("Yes.", "So no.");
  for (int i = 0; i < 6; ++i) {
    replies.push_back({"It is late. So no.", true});
  }
  EXPECT_TRUE(find_lead_sentences(replies).empty()) << "six refusals among 26 of 46";
}

/// Cannot say what its tokens stand for.
class MuteHost : public FakeHost {
 public:
  [[nodiscard]] std::string piece(int32_t /*token*/) const override { return {}; }
};

TEST(Conclusion, IsGivenUpWhereTokensCannotBeSpelled) {
  const WordHost host({"<think>", "A seal.", " No.", "</think>", "No"});
  const MuteHost mute;
  EXPECT_EQ(n_before_conclusion(mute, host.reply(4)), 4);
}

}  // namespace
}  // namespace mascing
