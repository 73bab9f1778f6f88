// What margins of judged replies prove, and where they put the zero.
#include "stage/margin_calibration.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"

namespace mascing {
namespace {

/// Verdicts drawn from p = sigmoid(slope (m - zero)), margins normal around `mean`.
JudgedMargins drawn(int64_t n, double zero, double slope, double mean, uint64_t seed) {
  Rng rng(seed);
  JudgedMargins judged;
  for (int64_t i = 0; i < n; ++i) {
    const double margin = mean + 3.0 * rng.normal();
    const double p = 1.0 / (1.0 + std::exp(-slope * (margin - zero)));
    judged.margins.push_back(margin);
    judged.wanted.push_back(rng.uniform() < p ? 1 : 0);
  }
  return judged;
}

TEST(MarginCalibration, FindsTheCurveThatTheVerdictsWereDrawnFrom) {
  const MarginCalibration found = calibrate_margin(drawn(4000, -1.5, 0.8, 0.0, 1), 0.0, 0);
  ASSERT_TRUE(found.has_curve);
  EXPECT_NEAR(found.zero, -1.5, 0.15);
  EXPECT_NEAR(found.slope, 0.8, 0.08);
  EXPECT_TRUE(found.is_usable());
}

TEST(MarginCalibration, AnAssumedZeroStandsUnlessTheVerdictsSpeakAgainstIt) {
  const JudgedMargins judged = drawn(300, 0.4, 1.0, 0.0, 2);
  EXPECT_DOUBLE_EQ(calibrate_margin(judged, 0.3, 0).zero, 0.3);
  EXPECT_NEAR(calibrate_margin(judged, 3.0, 0).zero, 0.4, 0.4);
  EXPECT_NEAR(calibrate_margin(judged, -3.0, 0).zero, 0.4, 0.4);
  EXPECT_NEAR(calibrate_margin(judged, 0.3, 0).slope, 1.0, 0.25);
}

// Where reasoning has decided before the margin is asked, both kinds of openings are unlikely, and
// the margin is any number.
TEST(MarginCalibration, AFewFarMarginsDoNotFlattenTheCurve) {
  JudgedMargins judged = drawn(300, 0.0, 2.0, 0.0, 2);
  for (int i = 0; i < 12; ++i) {
    judged.margins.push_back(i % 2 == 0 ? 60.0 : -60.0);
    judged.wanted.push_back(i % 2 == 0 ? 0 : 1);
  }
  const MarginCalibration found = calibrate_margin(judged, 0.0, 0);
  ASSERT_TRUE(found.has_curve);
  EXPECT_NEAR(found.zero, 0.0, 0.5);
  EXPECT_GT(found.slope, 0.5) << "without the bound it is no curve, or all but flat";
}

TEST(MarginCalibration, TheZeroLiesBetweenKindsThatAreSeparate) {
  JudgedMargins judged;
  for (int i = 0; i < 30; ++i) {
    judged.margins.push_back(i < 12 ? -9.0 - 0.1 * i : 1.0 + 0.1 * i);
    judged.wanted.push_back(i < 12 ? 0 : 1);
  }
  EXPECT_DOUBLE_EQ(calibrate_margin(judged, -4.0, 0).zero, -4.0) << "as good as any between";
  const MarginCalibration found = calibrate_margin(judged, 5.0, 0);
  EXPECT_DOUBLE_EQ(found.auc, 1.0);
  EXPECT_LE(found.p_value, 1e-3);
  ASSERT_TRUE(found.has_curve);
  EXPECT_GT(found.zero, -9.0);
  EXPECT_LT(found.zero, 2.2);
  EXPECT_GT(found.slope, 4.0) << "the kinds are separate";
}

TEST(MarginCalibration, RandomVerdictsAreNeverUsable) {
  int n_usable = 0;
  int n_below_tenth = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const int64_t n = seed % 2 == 0 ? 187 : 32;
    Rng rng(mix_seed(seed, 7));
    JudgedMargins judged;
    for (int64_t i = 0; i < n; ++i) {  // 5 against 182, or half and half of 32
      judged.margins.push_back(rng.normal());
      judged.wanted.push_back(i < (n == 187 ? 5 : 16) ? 1 : 0);
    }
    const MarginCalibration found = calibrate_margin(judged, 0.0, seed);
    n_usable += found.is_usable() ? 1 : 0;
    n_below_tenth += found.p_value <= 0.1 ? 1 : 0;
  }
  EXPECT_LE(n_usable, 2);
  EXPECT_GT(n_below_tenth, 20) << "the p-values of random verdicts are uniform";
  EXPECT_LT(n_below_tenth, 64);
}

TEST(MarginCalibration, ThePValueIsThatOfEnumeratedLabelings) {
  // 3 of 9: the wanted ones are the highest, one labeling of 84.
  const JudgedMargins best = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {0, 0, 0, 0, 0, 0, 1, 1, 1}};
  EXPECT_NEAR(calibrate_margin(best, 0.0, 3).p_value, 1.0 / 84.0, 0.003);
  const JudgedMargins turned = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {0, 0, 0, 1, 1, 1, 1, 1, 1}};
  EXPECT_NEAR(calibrate_margin(turned, 0.0, 3).p_value, 1.0 / 84.0, 0.003);
  EXPECT_FALSE(calibrate_margin(best, 0.0, 3).is_usable())
      << "an AUC of 1 on nine replies is chance";
}

TEST(MarginCalibration, MissingMarginsCountAsTheMedian) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const JudgedMargins judged = {{-1, nan, 0, nan, 1}, {0, 0, 1, 1, 1}};
  // Pairs (wanted, other): others at -1 and 0 (missing); wanted at 0, 0 (missing) and 1.
  EXPECT_NEAR(calibrate_margin(judged, 0.0, 0).auc, (1 + 0.5 + 1 + 0.5 + 1 + 1) / 6.0, 1e-12);
}

TEST(MarginCalibration, OneKindAloneProvesNothing) {
  const MarginCalibration found = calibrate_margin({{1, 2, 3}, {1, 1, 1}}, 0.0, 0);
  EXPECT_DOUBLE_EQ(found.auc, 0.5);
  EXPECT_DOUBLE_EQ(found.p_value, 1.0);
  EXPECT_FALSE(found.has_curve);
}

TEST(MarginCalibration, AMarginThatPointsTheWrongWayHasNoCurve) {
  JudgedMargins judged = drawn(400, 0.0, 1.0, 0.0, 5);
  for (double& margin : judged.margins) {
    margin = -margin;
  }
  const MarginCalibration found = calibrate_margin(judged, 0.0, 0);
  EXPECT_LT(found.auc, 0.5);
  EXPECT_FALSE(found.has_curve);
  EXPECT_FALSE(found.is_usable());
}

}  // namespace
}  // namespace mascing
