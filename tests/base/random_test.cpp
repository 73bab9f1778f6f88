#include "base/random.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace mascing {
namespace {

TEST(Rng, GivesTheSameNumbersOnEveryPlatform) {
  Rng rng(0);  // xoshiro256** seeded by splitmix64(0): the published reference's numbers
  EXPECT_EQ(rng.next(), 0x99EC5F36CB75F2B4ULL);
  EXPECT_EQ(rng.next(), 0xBF6E1F784956452AULL);
  EXPECT_EQ(rng.next(), 0x1A5F849D4933E6E0ULL);
}

TEST(Rng, UniformNumbersFillTheUnitInterval) {
  Rng rng(7);
  double sum = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.uniform();
    ASSERT_TRUE(u >= 0.0 && u < 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
}

TEST(Rng, NormalNumbersHaveMeanZeroAndVarianceOne) {
  Rng rng(8);
  double sum = 0.0;
  double squares = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 100000, 0.0, 0.01);
  EXPECT_NEAR(squares / 100000, 1.0, 0.02);
}

TEST(Rng, BelowReachesEveryNumberEquallyOften) {
  Rng rng(9);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) {
    ++counts.at(static_cast<size_t>(rng.below(7)));
  }
  for (const int n : counts) {
    EXPECT_NEAR(n, 10000, 500);
  }
  EXPECT_EQ(rng.below(1), 0);
  EXPECT_EQ(rng.below(0), 0);
  EXPECT_LT(rng.below(INT64_MAX), INT64_MAX);
}

TEST(Rng, ShuffleKeepsTheElementsAndRepeatsWithTheSeed) {
  std::vector<int> a(100);
  for (int i = 0; i < 100; ++i) {
    a[static_cast<size_t>(i)] = i;
  }
  std::vector<int> b = a;
  const std::vector<int> sorted = a;
  Rng(3).shuffle(a);
  Rng(3).shuffle(b);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, sorted);
  std::sort(a.begin(), a.end());
  EXPECT_EQ(a, sorted);
  std::vector<int> none;
  Rng(3).shuffle(none);
}

TEST(MixSeed, TellsPairsAndTheirOrderApart) {
  std::set<uint64_t> seeds;
  for (uint64_t a = 0; a < 64; ++a) {
    for (uint64_t b = 0; b < 64; ++b) {
      seeds.insert(mix_seed(a, b));
    }
  }
  EXPECT_EQ(seeds.size(), 64U * 64U);
}

}  // namespace
}  // namespace mascing
