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
  [[nodiscard]] int64_t before(int64_t n_reasoning) const {
    return n_before_conclusion(*this, reply(n_reasoning));
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
