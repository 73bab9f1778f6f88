#include "stage/baseline_masks.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "stage/numeric_traces.h"

namespace mascing {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

/// One layer, three experts of which the router takes one.
TraceSet one_layer() {
  TraceSetBuilder builder(1, 3);
  builder.add(0, {3, 1, 2, 3, 1, 2, 1, 2, 3, 3, 2, 1});  // chosen: 0 0 2 0
  builder.add(1, {1, 3, 2, 1, 2, 3});                    // chosen: 1 2
  builder.add(-1, {9, 0, 0});
  TraceSet set = builder.build();
  set.n_expert_used = 1;
  return set;
}

TEST(RiskDifference, IsTheDifferenceInTheShareOfTokensThatChooseAnExpert) {
  TraceSet set = one_layer();
  EXPECT_THAT(risk_difference(set), Pointwise(DoubleNear(1e-12), {0.75, -0.5, -0.25}));
  set.n_expert_used = 3;
  EXPECT_THAT(risk_difference(set), Pointwise(DoubleNear(1e-12), {0.0, 0.0, 0.0}));
}

TEST(RiskDifference, ExpertsThatTieAreAllChosen) {
  TraceSetBuilder builder(1, 4);
  builder.add(0, {2, 1, 2, 0}).add(1, {0, 3, 1, 1});
  TraceSet set = builder.build();
  set.n_expert_used = 1;
  EXPECT_THAT(risk_difference(set), Pointwise(DoubleNear(1e-12), {1.0, -1.0, 1.0, 0.0}));
  set.n_expert_used = 2;
  EXPECT_THAT(risk_difference(set), Pointwise(DoubleNear(1e-12), {1.0, -1.0, 0.0, -1.0}));
}

TEST(RiskDifference, FindsThePlantedExpert) {
  TraceSet set = planted_traces(200, 3, 8, {}, 5);
  set.n_expert_used = 2;
  const std::vector<float> forced = forced_experts(risk_difference(set), 1);
  const Plant plant;
  for (size_t i = 0; i < forced.size(); ++i) {
    const bool is_planted = static_cast<int64_t>(i) == plant.i_layer * 8 + plant.i_expert;
    EXPECT_EQ(forced[i], is_planted ? -1.0F : 0.0F) << i;
  }
}

TEST(RiskDifference, NeedsBothLabels) {
  TraceSet set = one_layer();
  set.traces[1].label = 0;
  expect_error(
      ErrorKind::kInsufficient, "no trace with label 1", [&] { (void)risk_difference(set); });
}

TEST(ForcedExperts, TakesTheStrongestWithTheirSigns) {
  const std::vector<double> difference = {0.1, -0.4, 0.0, 0.3, -0.1};
  EXPECT_THAT(forced_experts(difference, 0), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(forced_experts(difference, 2), ElementsAre(0, -1, 0, 1, 0));
  EXPECT_THAT(forced_experts(difference, 3), ElementsAre(1, -1, 0, 1, 0));
  EXPECT_THAT(forced_experts(difference, 99), ElementsAre(1, -1, 0, 1, -1));
}

TEST(RandomSteer, HasTheNormAndAnotherDirectionForEverySeed) {
  const std::vector<float> a = random_steer(96, 2.5, 1);
  const std::vector<float> b = random_steer(96, 2.5, 2);
  EXPECT_EQ(a, random_steer(96, 2.5, 1));
  EXPECT_NEAR(std::sqrt(std::inner_product(a.begin(), a.end(), a.begin(), 0.0)), 2.5, 1e-5);
  EXPECT_LT(std::fabs(std::inner_product(a.begin(), a.end(), b.begin(), 0.0)), 0.5 * 2.5 * 2.5);
}

TEST(MeanResidualDifference, PointsFromTheUnwantedToTheWanted) {
  const Residual a{2, 2, {1, 2, 3, 4}};
  const Residual b{2, 2, {3, 2, 1, 0}};
  const Residual c{2, 2, {0, 0, 0, 8}};
  const ControlVector control = mean_residual_difference({a, b}, {c});
  EXPECT_THAT(control.direction, ElementsAre(2, 2, 2, -6));
  const ControlVector last = only_block(control, 1);
  EXPECT_THAT(last.direction, ElementsAre(0, 0, 2, -6));
  EXPECT_TRUE(last.is_zero(0));
  EXPECT_FALSE(last.is_zero(1));
  expect_error(
      ErrorKind::kInsufficient, "0 unwanted", [&] { (void)mean_residual_difference({a}, {}); });
  expect_error(ErrorKind::kMismatch, "2 values, expected 4", [&] {
    (void)mean_residual_difference({a}, {Residual{1, 2, {1, 2}}});
  });
}

TEST(SpreadOf, DescribesAFewNumbers) {
  const Spread spread = spread_of({4, 1, 3, 2, 5});
  EXPECT_DOUBLE_EQ(spread.mean, 3.0);
  EXPECT_DOUBLE_EQ(spread.sd, std::sqrt(2.5));
  EXPECT_DOUBLE_EQ(spread.least, 1.0);
  EXPECT_DOUBLE_EQ(spread.quartile_1, 2.0);
  EXPECT_DOUBLE_EQ(spread.median, 3.0);
  EXPECT_DOUBLE_EQ(spread.quartile_3, 4.0);
  EXPECT_DOUBLE_EQ(spread.most, 5.0);
  EXPECT_DOUBLE_EQ(spread_of({1, 2}).median, 1.5);
  EXPECT_DOUBLE_EQ(spread_of({7}).sd, 0.0);
  EXPECT_THROW((void)spread_of({}), Error);
}

TEST(RankPValue, CountsHowManyReachTheValue) {
  EXPECT_DOUBLE_EQ(rank_p_value({1, 2, 3, 4}, 5.0), 0.2);
  EXPECT_DOUBLE_EQ(rank_p_value({1, 2, 3, 4}, 3.0), 0.6);
  EXPECT_DOUBLE_EQ(rank_p_value({1, 2, 3, 4}, 0.0), 1.0);
}

}  // namespace
}  // namespace mascing
