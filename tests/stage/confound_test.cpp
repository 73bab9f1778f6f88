// What tells labels apart without the model, and what does not.
#include "stage/confound.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace mascing {
namespace {

struct Sample {
  std::vector<std::string> topics;
  std::vector<int> labels;
};

// Twenty topics of eight conversations, the label set by the topic or by a coin.
Sample sample(bool is_by_topic, uint64_t seed) {
  Rng rng(seed);
  Sample made;
  for (int64_t topic = 0; topic < 20; ++topic) {
    for (int64_t i = 0; i < 8; ++i) {
      made.topics.push_back("topic " + std::to_string(topic));
      made.labels.push_back(static_cast<int>(is_by_topic ? topic % 2 : rng.below(2)));
    }
  }
  return made;
}

TEST(TopicAuc, IsOneForTopicOnlyLabelsAndChanceForCoins) {
  const Sample planted = sample(true, 0);
  EXPECT_GT(topic_auc(planted.topics, planted.labels, 1, 20), 0.99);
  double sum = 0.0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Sample coins = sample(false, seed);
    sum += topic_auc(coins.topics, coins.labels, seed, 20);
  }
  EXPECT_NEAR(sum / 20.0, 0.5, 0.06);
}

TEST(TopicAuc, OwnTopicsTellNothing) {
  Sample coins = sample(false, 3);
  for (size_t i = 0; i < coins.topics.size(); ++i) {
    coins.topics[i] = std::to_string(i);
  }
  EXPECT_NEAR(topic_auc(coins.topics, coins.labels, 1, 20), 0.5, 1e-9);
}

TEST(ConfoundAuc, BothWaysRoundCount) {
  EXPECT_DOUBLE_EQ(confound_auc({1, 2, 3, 4}, {0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(confound_auc({4, 3, 2, 1}, {0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(confound_auc({1, 1, 1, 1}, {0, 0, 1, 1}), 0.5);
}

TEST(ConfoundWarnings, EachNamesItsOwnCause) {
  ConfoundResult confounds;
  confounds.n = 100;
  EXPECT_TRUE(confound_warnings(confounds).empty());
  confounds.topic_auc = 0.95;
  ASSERT_EQ(confound_warnings(confounds).size(), 1U);
  EXPECT_EQ(confound_warnings(confounds)[0].id, "labels_follow_topic");
  confounds.length_auc = 0.85;
  confounds.turn_auc = 0.99;
  ASSERT_EQ(confound_warnings(confounds).size(), 3U);
  EXPECT_EQ(confound_warnings(confounds)[1].id, "labels_follow_length");
  EXPECT_EQ(confound_warnings(confounds)[2].id, "labels_follow_turns");
}

}  // namespace
}  // namespace mascing
