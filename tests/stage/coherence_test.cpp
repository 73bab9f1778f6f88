#include "stage/coherence.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "mascing/error.h"

namespace mascing {
namespace {

std::vector<int32_t> cycle_of(int64_t period, int64_t n_token) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < n_token; ++i) {
    tokens.push_back(static_cast<int32_t>(100 + i % period));
  }
  return tokens;
}

std::vector<int32_t> all_different(int64_t n_token) {
  std::vector<int32_t> tokens(n_token);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

TEST(Repetition, FindsEveryShortCycleInAHundredTokens) {
  for (int64_t period = 1; period <= 8; ++period) {
    EXPECT_TRUE(is_repetitive(cycle_of(period, 100))) << period;
  }
}

TEST(Repetition, NeverCallsAShortReplyRepetitive) {
  EXPECT_FALSE(is_repetitive({}));
  EXPECT_FALSE(is_repetitive(cycle_of(1, 7)));
  EXPECT_TRUE(is_repetitive(cycle_of(1, 8)));
}

TEST(Repetition, FindsALoopAfterAGoodBeginning) {
  std::vector<int32_t> tokens = all_different(70);
  const std::vector<int32_t> loop = cycle_of(5, 30);
  tokens.insert(tokens.end(), loop.begin(), loop.end());
  EXPECT_TRUE(is_repetitive(tokens));
}

TEST(Repetition, FindsOneTokenThatFillsAReplyWithoutAnyLoop) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 40; ++i) {
    tokens.insert(tokens.end(), {7, i + 100});
    tokens.insert(tokens.end(), i % 3 == 0 ? 2 : 0, 7);
  }
  EXPECT_TRUE(is_repetitive(tokens));
}

TEST(Repetition, LeavesProseWithARefrainAlone) {
  // Four verses of twelve tokens of their own and a refrain of six.
  std::vector<int32_t> tokens;
  for (int32_t i_verse = 0; i_verse < 4; ++i_verse) {
    for (int32_t i = 0; i < 12; ++i) {
      tokens.push_back(1000 + 12 * i_verse + i);
    }
    tokens.insert(tokens.end(), {1, 2, 3, 4, 5, 6});
  }
  EXPECT_FALSE(is_repetitive(tokens));
  EXPECT_FALSE(is_repetitive(all_different(100)));
}

TEST(Repetition, LeavesFrequentShortWordsAlone) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 50; ++i) {
    tokens.insert(tokens.end(), {1, 100 + i, 2});  // "the ... ,"
  }
  EXPECT_FALSE(is_repetitive(tokens));
}

TEST(CoherenceLimit, LiesTwoNatsAboveThe99thPercentile) {
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) {
    values.push_back(0.01 * (100 - i));
  }
  EXPECT_NEAR(calibrate_coherence(values).max_mean_nll, 0.99 + 2.0, 1e-12);
  EXPECT_NEAR(calibrate_coherence({0.5}).max_mean_nll, 2.5, 1e-12);
  EXPECT_NEAR(calibrate_coherence({0.0, 1.0}).max_mean_nll, 2.99, 1e-12);
}

TEST(CoherenceLimit, LeavesOutWhatIsNotFiniteAndNeedsSomething) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_NEAR(calibrate_coherence({0.5, infinity, std::nan("")}).max_mean_nll, 2.5, 1e-12);
  EXPECT_THROW((void)calibrate_coherence({}), Error);
  EXPECT_THROW((void)calibrate_coherence({infinity}), Error);
}

TEST(Coherence, NeedsBothLikelihoodAndVariety) {
  const CoherenceLimit limit{3.0};
  EXPECT_TRUE(is_coherent(3.0, all_different(20), limit));
  EXPECT_FALSE(is_coherent(3.01, all_different(20), limit));
  EXPECT_FALSE(is_coherent(std::nan(""), all_different(20), limit));
  EXPECT_FALSE(is_coherent(0.1, cycle_of(2, 40), limit));
}

}  // namespace
}  // namespace mascing
