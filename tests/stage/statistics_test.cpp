#include "stage/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "mascing/error.h"

namespace mascing {
namespace {

// Two-sided exact binomial by plain summation of factorial-free products, for small counts.
double mcnemar_by_hand(int n_fixed, int n_broken) {
  const int n = n_fixed + n_broken;
  const int k = std::min(n_fixed, n_broken);
  double sum = 0.0;
  double ways = 1.0;
  for (int i = 0; i <= k; ++i) {
    sum += ways;
    ways = ways * (n - i) / (i + 1);
  }
  return std::min(1.0, 2.0 * sum / std::pow(2.0, n));
}

TEST(Wilson, MatchesValuesFromTheLiterature) {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29 (score method without continuity
  // correction).
  const struct {
    int64_t n_hit, n;
    double low, high;
  } known[] = {{81, 263, 0.2553, 0.3662},
               {15, 148, 0.0624, 0.1605},
               {0, 20, 0.0, 0.1611},
               {1, 29, 0.0061, 0.1718}};
  for (const auto& [n_hit, n, low, high] : known) {
    const Rate rate = wilson(n_hit, n);
    EXPECT_DOUBLE_EQ(rate.rate, static_cast<double>(n_hit) / static_cast<double>(n));
    EXPECT_NEAR(rate.low, low, 5e-5);
    EXPECT_NEAR(rate.high, high, 5e-5);
    EXPECT_EQ(rate.n, n);
  }
}

TEST(Wilson, KnowsNothingFromNothing) {
  const Rate rate = wilson(0, 0);
  EXPECT_EQ(rate.rate, 0.0);
  EXPECT_EQ(rate.low, 0.0);
  EXPECT_EQ(rate.high, 1.0);
}

TEST(Wilson, IsSymmetricAndEndsAtExactlyZeroAndOne) {
  EXPECT_EQ(wilson(0, 7).low, 0.0);
  EXPECT_EQ(wilson(7, 7).high, 1.0);
  EXPECT_NEAR(wilson(3, 11).low, 1.0 - wilson(8, 11).high, 1e-15);
  EXPECT_NEAR(wilson(500000, 1000000).high - 0.5, 0.00098, 1e-5);
}

TEST(Wilson, RefusesWhatIsNotAShare) {
  EXPECT_THROW((void)wilson(3, 2), Error);
  EXPECT_THROW((void)wilson(-1, 2), Error);
  EXPECT_THROW((void)wilson(0, -1), Error);
}

TEST(McnemarExact, MatchesKnownValues) {
  EXPECT_DOUBLE_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_NEAR(mcnemar_exact(5, 0), 0.0625, 1e-12);
  EXPECT_NEAR(mcnemar_exact(10, 2), 0.03857421875, 1e-12);
  EXPECT_NEAR(mcnemar_exact(121, 59), 4.434e-6, 5e-9);  // scipy.stats.binomtest(59, 180).pvalue
}

TEST(McnemarExact, MatchesPlainSummationForAllSmallCounts) {
  for (int n_fixed = 0; n_fixed <= 24; ++n_fixed) {
    for (int n_broken = 0; n_broken <= 24; ++n_broken) {
      const double expected = mcnemar_by_hand(n_fixed, n_broken);
      EXPECT_NEAR(mcnemar_exact(n_fixed, n_broken), expected, 1e-11 * expected)
          << n_fixed << " " << n_broken;
    }
  }
}

TEST(McnemarExact, StaysFiniteForThousandsOfPairs) {
  EXPECT_DOUBLE_EQ(mcnemar_exact(4000, 4000), 1.0);
  const double even = mcnemar_exact(5000, 5001);
  EXPECT_GT(even, 0.99);
  EXPECT_LE(even, 1.0);
  // Normal approximation with continuity correction: z = 99 / sqrt(10100).
  EXPECT_NEAR(
      mcnemar_exact(5100, 5000), std::erfc(99.0 / std::sqrt(10100.0) / std::sqrt(2.0)), 2e-3);
  EXPECT_LT(mcnemar_exact(9000, 0), 1e-300);
}

TEST(McnemarExact, DoesNotCareWhichSideIsWhichAndRefusesNegativeCounts) {
  EXPECT_EQ(mcnemar_exact(37, 12), mcnemar_exact(12, 37));
  EXPECT_THROW((void)mcnemar_exact(-1, 3), Error);
}

TEST(SignFlip, OfSinglesIsMcnemars) {
  for (int n_fixed = 0; n_fixed <= 9; ++n_fixed) {
    for (int n_broken = 0; n_broken <= 9; ++n_broken) {
      std::vector<int64_t> sums(n_fixed, 1);
      sums.resize(n_fixed + n_broken, -1);
      EXPECT_NEAR(sign_flip_exact(sums), mcnemar_exact(n_fixed, n_broken), 1e-12)
          << n_fixed << " " << n_broken;
    }
  }
}

TEST(SignFlip, CountsEverySignOfUnequalGroups) {
  // |+-5 +-2 +-1| >= 6: 8, 6 and their opposites, of eight.
  EXPECT_DOUBLE_EQ(sign_flip_exact({5, 2, -1}), 0.5);
  EXPECT_DOUBLE_EQ(sign_flip_exact({5, 0, 2, 1}), 0.25);
  EXPECT_DOUBLE_EQ(sign_flip_exact({40, 30}), 0.5) << "two topics show nothing";
  EXPECT_DOUBLE_EQ(sign_flip_exact({}), 1.0);
  EXPECT_DOUBLE_EQ(sign_flip_exact({3, -3}), 1.0);
  EXPECT_NEAR(sign_flip_exact(std::vector<int64_t>(6, 20)), 0.03125, 1e-15);
}

TEST(GroupedChange, WeighsGroupsByTheirCasesAndIsWiderThanTheCasesAlone) {
  const std::vector<double> sums = {20, 15, 18, 2, 0, 19, 17, 1, 20, 16};
  const std::vector<double> counts(10, 20.0);
  const Rate change = grouped_change(sums, counts);
  EXPECT_DOUBLE_EQ(change.rate, 0.64);
  EXPECT_EQ(change.n, 10);
  // Mean and standard error of the groups' means, 2.262157 of them: t.test() of R.
  EXPECT_NEAR(change.high - change.rate, 2.262157 * 0.131403, 1e-5);
  EXPECT_NEAR(change.rate - change.low, change.high - change.rate, 1e-12);
  const Rate as_cases = wilson(128, 200);
  EXPECT_GT(change.high - change.low, 2.0 * (as_cases.high - as_cases.low));
  EXPECT_DOUBLE_EQ(grouped_change({10, 0}, {10, 30}).rate, 0.25);
}

TEST(GroupedChange, OfAFewGroupsSaysLittle) {
  const Rate two = grouped_change({19, 20}, {20, 20});
  EXPECT_NEAR(two.low, 0.975 - 12.7062 * 0.025, 1e-4);
  EXPECT_EQ(two.high, 1.0);
  const Rate three = grouped_change({10, 12, 14}, {20, 20, 20});
  EXPECT_NEAR(three.high - three.rate, 4.30265 * 0.1 / std::sqrt(3.0), 1e-5);
  const Rate equal = grouped_change({10, 20}, {20, 40});
  EXPECT_DOUBLE_EQ(equal.rate, 0.5);
  EXPECT_LT(equal.low, 0.0) << "two topics that agree";
  EXPECT_LT(grouped_change({20}, {20}).low, 0.0);
  const Rate of_rounding = grouped_change({7, 14, 3.5}, {10, 20, 5});
  EXPECT_LT(of_rounding.low, of_rounding.rate - 0.1);
  EXPECT_EQ(grouped_change({}, {}).rate, 0.0);
  std::vector<double> many(2000, 1.0);
  many.resize(4000, 0.0);
  EXPECT_NEAR(grouped_change(many, std::vector<double>(4000, 1.0)).high, 0.5 + 0.98 / 63.2, 1e-4);
}

TEST(Cosine, OfVectorsAlikeOppositeAndAtRightAngles) {
  EXPECT_DOUBLE_EQ(cosine({1.0, 2.0}, {2.0, 4.0}), 1.0);
  EXPECT_DOUBLE_EQ(cosine({1.0, 2.0}, {-1.0, -2.0}), -1.0);
  EXPECT_DOUBLE_EQ(cosine({3.0, 4.0}, {4.0, 3.0}), 0.96);
  EXPECT_EQ(cosine({1.0, 0.0}, {0.0, 1.0}), 0.0);
  EXPECT_EQ(cosine({0.0, 0.0}, {1.0, 1.0}), 0.0);
}

TEST(Spearman, KnowsOrderTiesAndConstants) {
  EXPECT_DOUBLE_EQ(spearman({1.0, 2.0, 5.0}, {0.1, 0.2, 0.9}), 1.0);
  EXPECT_DOUBLE_EQ(spearman({1.0, 2.0, 5.0}, {3.0, 2.0, -1.0}), -1.0);
  EXPECT_DOUBLE_EQ(spearman({1.0, 1.0, 1.0}, {1.0, 2.0, 3.0}), 0.0);
  EXPECT_NEAR(spearman({1.0, 2.0, 3.0, 4.0}, {0.0, 0.0, 1.0, 1.0}), 0.894427191, 1e-9);
}

TEST(Holm, MatchesTheTextbookAndKeepsTheOrder) {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.005});
  ASSERT_EQ(adjusted.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(adjusted[i], expected[i], 1e-12) << i;
  }
  EXPECT_EQ(holm({0.7, 0.6}).front(), 1.0);
  EXPECT_TRUE(holm({}).empty());
}

TEST(HolmFamily, WritesEachAdjustedValueToItsPlace) {
  std::optional<double> first;
  std::optional<double> second;
  HolmFamily family;
  family.add(0.5, first);
  family.add(0.01, second);
  family.adjust();
  EXPECT_DOUBLE_EQ(first.value(), 0.5);
  EXPECT_DOUBLE_EQ(second.value(), 0.02);
}

TEST(Bootstrap, HasTheMeanInsideAndAWidthThatFallsWithTheCases) {
  std::vector<double> few;
  for (int i = 0; i < 40; ++i) {
    few.push_back(i % 4 == 0 ? 1.0 : 0.25);
  }
  std::vector<double> many;
  for (int i = 0; i < 16; ++i) {
    many.insert(many.end(), few.begin(), few.end());
  }
  const Rate narrow = bootstrap_mean(many, 1);
  const Rate wide = bootstrap_mean(few, 1);
  EXPECT_DOUBLE_EQ(wide.rate, 0.4375);
  EXPECT_LT(wide.low, 0.4375);
  EXPECT_GT(wide.high, 0.4375);
  EXPECT_NEAR((wide.high - wide.low) / (narrow.high - narrow.low), 4.0, 0.6);
  // The normal approximation: 1.96 sd / sqrt(n).
  EXPECT_NEAR(wide.high - wide.low, 2 * 1.96 * 0.3248 / std::sqrt(40.0), 0.02);
}

TEST(Bootstrap, IsTheSameForTheSameSeed) {
  const std::vector<double> values = {0.1, 0.9, 0.4, 0.7, 0.2};
  EXPECT_EQ(bootstrap_mean(values, 3).low, bootstrap_mean(values, 3).low);
  EXPECT_EQ(bootstrap_mean({}, 3).rate, 0.0);
}

// Five replies to each of twenty conversations are twenty cases, not a hundred.
TEST(Bootstrap, RepliesToOneConversationAreOneCase) {
  std::vector<double> shares;
  for (int i = 0; i < 20; ++i) {
    shares.push_back(i < 10 ? 1.0 : 0.0);
  }
  const Rate clustered = bootstrap_share(shares, 0);
  const Rate naive = wilson(50, 100);
  EXPECT_EQ(clustered.n, 20);
  EXPECT_GT(clustered.high - clustered.low, 1.8 * (naive.high - naive.low));
}

TEST(Bootstrap, WhereAllAgreeWilsonSpeaks) {
  const Rate all = bootstrap_share(std::vector<double>(30, 1.0), 0);
  EXPECT_DOUBLE_EQ(all.rate, 1.0);
  EXPECT_DOUBLE_EQ(all.low, wilson(30, 30).low);
  const Rate none = bootstrap_share(std::vector<double>(30, 0.0), 0);
  EXPECT_DOUBLE_EQ(none.high, wilson(0, 30).high);
  const Rate same = bootstrap_change(std::vector<double>(6, 0.0), 0);
  EXPECT_DOUBLE_EQ(same.rate, 0.0);
  EXPECT_EQ(same.n, 6);
  EXPECT_DOUBLE_EQ(same.low, -wilson(0, 6).high) << "six cases say little";
  EXPECT_DOUBLE_EQ(same.high, wilson(0, 6).high);
  const Rate all_lost = bootstrap_change(std::vector<double>(6, -1.0), 0);
  EXPECT_DOUBLE_EQ(all_lost.low, -1.0);
  EXPECT_DOUBLE_EQ(all_lost.high, -1.0 + 2.0 * wilson(0, 6).high) << "others may gain";
  const std::vector<double> mixed = {0.0, 1.0, 0.0, -1.0, 1.0};
  EXPECT_EQ(bootstrap_change(mixed, 3).low, bootstrap_mean(mixed, 3).low);
}

TEST(RankAuc, CountsPairsAndHalvesTies) {
  EXPECT_DOUBLE_EQ(rank_auc({0.1, 0.2, 0.3, 0.4}, {0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(rank_auc({0.4, 0.3, 0.2, 0.1}, {0, 0, 1, 1}), 0.0);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 1.0, 1.0, 1.0}, {0, 1, 0, 1}), 0.5);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 2.0, 2.0, 3.0}, {0, 1, 0, 1}), 0.875);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 2.0}, {1, 1}), 0.5);
}

}  // namespace
}  // namespace mascing
