#include "stage/routing_changes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>

#include <gtest/gtest.h>

#include "base/numeric.h"
#include "host/fake_host.h"

namespace mascing {
namespace {

/// Lifts two experts of different layers and pushes one down.
Steering steering(float alpha = 1.0F) {
  auto mask = std::make_shared<Mask>(zero_mask(FakeHost::make_info()));
  mask->steer[3] = 2.0F;
  mask->steer[FakeHost::kPlantedLayer * FakeHost::kExperts + FakeHost::kPlantedExpert] = 4.0F;
  mask->steer[FakeHost::kExperts + 2] = -1.0F;
  return {mask, alpha};
}

class RoutingChangesTest : public testing::Test {
 protected:
  RoutedReply asked(const std::string& question, const std::string& answer) {
    Conversation conversation;
    conversation.messages = {{"user", "earlier words"}, {"user", question}};
    Prompt prompt = host_.render(conversation);
    return {prompt.tokens, prompt.final_user, host_.tokenize(answer, false)};
  }

  /// Logits of the tokens that are looked at, [T][L][E].
  std::vector<std::vector<std::vector<float>>> logits(const RoutedReply& reply,
                                                      const Steering& how) {
    TraceRequest request{reply.prompt, {reply.final_user.begin, 0}, how};
    request.tokens.insert(request.tokens.end(), reply.reply.begin(), reply.reply.end());
    request.span.end = std::ssize(request.tokens);
    std::vector<std::vector<std::vector<float>>> all(request.span.size());
    (void)host_.observe({request}, [&](const RouterView& view) {
      all[view.i_token - request.span.begin].emplace_back(view.steered,
                                                          view.steered + FakeHost::kExperts);
    });
    return all;
  }

  /// One of the two largest; the lower number wins a tie.
  static bool is_chosen(const std::vector<float>& z, int64_t expert) {
    int64_t n_before = 0;
    for (int64_t i = 0; i < std::ssize(z); ++i) {
      n_before += z[i] > z[expert] || (z[i] == z[expert] && i < expert) ? 1 : 0;
    }
    return n_before < 2;
  }

  static double share(const std::vector<float>& z, int64_t expert) {
    double sum = 0.0;
    for (const float value : z) {
      sum += std::exp(double{value});
    }
    return std::exp(double{z[expert]}) / sum;
  }

  FakeHost host_;
};

TEST_F(RoutingChangesTest, ASteeringOfStrengthZeroChangesNothing) {
  const auto changes =
      routing_changes(host_, {asked("forge the seal", "no never")}, steering(0.0F));
  EXPECT_EQ(changes.base, changes.steered);
  EXPECT_EQ(std::accumulate(changes.base.begin(), changes.base.end(), int64_t{0}),
            changes.n_token * FakeHost::kLayers * 2);
  EXPECT_EQ(changes.replies.at(0).change, std::vector<double>(changes.n_token, 0.0));
  for (const auto& moves : changes.moves) {
    EXPECT_TRUE(moves.empty());
  }
}

TEST_F(RoutingChangesTest, CountsEveryChoiceThatOneByOneComparisonFinds) {
  const std::vector<RoutedReply> replies = {
      asked("please forge the royal seal", "never in my life"),
      asked("describe a grave", "it is cold and quiet")};
  const RoutingChanges changes = routing_changes(host_, replies, steering());
  std::vector<int64_t> base(FakeHost::kLayers * FakeHost::kExperts, 0);
  std::vector<int64_t> steered = base;
  int64_t n_moved = 0;
  for (size_t i = 0; i < replies.size(); ++i) {
    const auto before = logits(replies[i], {});
    const auto after = logits(replies[i], steering());
    for (size_t t = 0; t < before.size(); ++t) {
      int64_t n_lost = 0;
      for (int64_t l = 0; l < FakeHost::kLayers; ++l) {
        for (int64_t e = 0; e < FakeHost::kExperts; ++e) {
          const bool was = is_chosen(before[t][l], e);
          const bool is = is_chosen(after[t][l], e);
          base[l * FakeHost::kExperts + e] += was ? 1 : 0;
          steered[l * FakeHost::kExperts + e] += is ? 1 : 0;
          n_lost += was && !is ? 1 : 0;
        }
      }
      n_moved += n_lost;
      EXPECT_DOUBLE_EQ(changes.replies[i].change[t], to_double(n_lost) / 6.0);
    }
  }
  EXPECT_EQ(changes.base, base);
  EXPECT_EQ(changes.steered, steered);
  EXPECT_GT(n_moved, 0);
  EXPECT_EQ(std::accumulate(changes.swapped.begin(), changes.swapped.end(), int64_t{0}), n_moved);
  EXPECT_EQ(changes.n_conversation, 2);
}

TEST_F(RoutingChangesTest, NamesTheTokensThatAnExpertGainedTheLargestChangeFirst) {
  const RoutedReply reply = asked("describe an old grave by the sea", "it is cold and quiet there");
  const RoutingChanges changes = routing_changes(host_, {reply}, steering());
  const auto before = logits(reply, {});
  const auto after = logits(reply, steering());
  std::vector<double> gains;
  for (size_t t = 0; t < before.size(); ++t) {
    if (!is_chosen(before[t][0], 3) && is_chosen(after[t][0], 3)) {
      gains.push_back(share(after[t][0], 3) - share(before[t][0], 3));
    }
  }
  ASSERT_GT(std::ssize(gains), kMovesPerExpert) << "the test needs more tokens than are kept";
  std::sort(gains.rbegin(), gains.rend());
  const std::vector<RoutingMove>& moves = changes.moves.at(3);
  ASSERT_EQ(std::ssize(moves), kMovesPerExpert);
  for (size_t i = 0; i < moves.size(); ++i) {
    EXPECT_TRUE(moves[i].is_gained);
    EXPECT_NEAR(moves[i].change, gains[i], 1e-9);
    EXPECT_LT(moves[i].i_token, std::ssize(before));
  }
}

TEST_F(RoutingChangesTest, AreTheSameInPieces) {
  const std::vector<RoutedReply> replies = {asked("forge the seal", "never in my life"),
                                            asked("describe a grave", "it is cold"),
                                            asked("tell a tale", "once upon a time")};
  const RoutingChanges whole = routing_changes(host_, replies, steering());
  RoutingChanges sum;
  for (const RoutedReply& reply : replies) {
    add_changes(routing_changes(host_, {reply}, steering()), sum);
  }
  EXPECT_EQ(sum.base, whole.base);
  EXPECT_EQ(sum.steered, whole.steered);
  EXPECT_EQ(sum.swapped, whole.swapped);
  EXPECT_EQ(sum.n_token, whole.n_token);
  ASSERT_EQ(sum.replies.size(), whole.replies.size());
  for (size_t i = 0; i < whole.moves.size(); ++i) {
    ASSERT_EQ(sum.moves[i].size(), whole.moves[i].size());
    for (size_t j = 0; j < whole.moves[i].size(); ++j) {
      EXPECT_EQ(sum.moves[i][j].i_reply, whole.moves[i][j].i_reply);
      EXPECT_EQ(sum.moves[i][j].i_token, whole.moves[i][j].i_token);
    }
  }
}

TEST_F(RoutingChangesTest, LeaveOutOfTheRatesWhatOnlyShowsItsTokens) {
  RoutedReply shown = asked("forge the seal", "never");
  shown.counts_for_rates = false;
  const RoutingChanges changes = routing_changes(host_, {shown}, steering());
  EXPECT_EQ(changes.n_conversation, 0);
  EXPECT_EQ(changes.n_token, 0);
  EXPECT_EQ(changes.base, std::vector<int64_t>(changes.base.size(), 0));
  EXPECT_EQ(changes.replies.at(0).tokens.front(), "forge ");
  EXPECT_EQ(changes.replies.at(0).tokens.back(), "never ");
}

// The middle layer's token decides over its experts; elsewhere those with the smallest logits run.
TEST_F(RoutingChangesTest, FollowTheChoiceThatIsGiven) {
  const RoutedReply reply = asked("forge the seal", "no never");
  const ChooseExperts smallest = [](int64_t i_layer, const float* z) {
    std::vector<float> turned;
    std::transform(z, z + FakeHost::kExperts, std::back_inserter(turned), std::negate<>());
    return i_layer == 1 ? std::vector<int64_t>()
                        : largest_entries(turned.data(), FakeHost::kExperts, 2);
  };
  const RoutingChanges changes = routing_changes(host_, {reply}, steering(), smallest);
  for (int64_t l = 0; l < FakeHost::kLayers; ++l) {
    const auto row = changes.base.begin() + l * FakeHost::kExperts;
    EXPECT_EQ(std::accumulate(row, row + FakeHost::kExperts, int64_t{0}),
              l == 1 ? 0 : 2 * changes.n_token);
  }
  EXPECT_EQ(changes.swapped.at(1), 0) << "the mask pushes an expert there, in vain";
  EXPECT_NE(changes.base, routing_changes(host_, {reply}, steering()).base);
}

TEST_F(RoutingChangesTest, SayWhyAConversationWasNotRead) {
  std::string words;
  for (int64_t i = 0; i < FakeHost::kContext; ++i) {
    words += "tale ";
  }
  const RoutingChanges changes =
      routing_changes(host_, {asked("tell", words), asked("forge the seal", "no")}, steering());
  EXPECT_NE(changes.replies.at(0).error, "");
  EXPECT_TRUE(changes.replies.at(0).tokens.empty());
  EXPECT_EQ(changes.replies.at(1).error, "");
  EXPECT_EQ(changes.n_conversation, 1);
}

/// A host that spells one letter over two tokens.
class SpellingHost : public FakeHost {
 public:
  [[nodiscard]] std::string piece(int32_t token) const override {
    const std::string word = FakeHost::piece(token);
    return word == "half " ? "caf\xC3" : word == "rest " ? "\xA9." : word;
  }
};

TEST(RoutingTexts, GiveALetterOfTwoTokensToTheLast) {
  SpellingHost host;
  Conversation conversation;
  conversation.messages = {{"user", "tell"}};
  const Prompt prompt = host.render(conversation);
  const RoutedReply reply = {prompt.tokens, prompt.final_user, host.tokenize("half rest", false)};
  const auto tokens = routing_changes(host, {reply}, steering()).replies.at(0).tokens;
  EXPECT_EQ(tokens, (std::vector<std::string>{"tell ", "<reply> ", "caf", "\u00e9."}));
}

}  // namespace
}  // namespace mascing
