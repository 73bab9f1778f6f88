// What a test split can show, and which drop of a small set is chance.
#include "stage/power.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/warning_ids.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Power, SixFixedConversationsAreTheFewestThatAreSignificant) {
  EXPECT_EQ(least_fixed(), 6);
  EXPECT_LT(mcnemar_exact(least_fixed(), 0), kSignificance);
  EXPECT_GE(mcnemar_exact(least_fixed() - 1, 0), kSignificance);
}

TEST(Power, SaysWhatIsLeftToFix) {
  const PowerResult power = power_of(100, {30, 50});
  EXPECT_DOUBLE_EQ(power.base_rate, 0.6);
  EXPECT_NEAR(power.n_to_fix, 40.0, 1e-9);
  EXPECT_NEAR(power.n_to_fix_most, 100.0 * (1.0 - wilson(30, 50).low), 1e-9);
  EXPECT_DOUBLE_EQ(power.least_rise, 0.06);
  EXPECT_FALSE(is_out_of_reach(power));
  EXPECT_THAT(power_warnings("dsr", power), IsEmpty());
}

TEST(Power, ARiseThatIsSureComesOutInFourOfFiveSplits) {
  const PowerResult power = power_of(50, {30, 60});
  // P[Binomial(50, rise) >= 6] by its complement, term by term.
  double below = 0.0;
  double term = std::pow(1.0 - power.sure_rise, 50);
  for (int k = 0; k < 6; ++k) {
    below += term;
    term *= (50.0 - k) / (k + 1.0) * power.sure_rise / (1.0 - power.sure_rise);
  }
  EXPECT_NEAR(1.0 - below, 0.8, 1e-6);
  EXPECT_GT(power.sure_rise, power.least_rise);
  EXPECT_DOUBLE_EQ(power_of(5, {}).sure_rise, 1.0) << "five cannot become six";
}

TEST(Power, IsOutOfReachWhereSixCannotBeLeft) {
  EXPECT_TRUE(is_out_of_reach(power_of(5, {})));
  EXPECT_FALSE(is_out_of_reach(power_of(6, {})));
  EXPECT_TRUE(is_out_of_reach(power_of(30, {200, 204})));
  EXPECT_FALSE(is_out_of_reach(power_of(300, {200, 204}))) << "some may be left of so many";
}

TEST(Power, WarnsOfFewConversationsAndOfAWeakTest) {
  EXPECT_THAT(warning_ids(power_warnings("dsr", power_of(200, {103, 106}))),
              ElementsAre("few_conversations", "weak_test"));
  EXPECT_THAT(warning_ids(power_warnings("dsr", power_of(200, {19, 60}))),
              ElementsAre("few_conversations"));
  EXPECT_THAT(warning_ids(power_warnings("dsr", power_of(200, {20, 60}))), IsEmpty());
}

TEST(AllowedDrop, OneConversationNeverBreaksALimitThatChanceWouldBreak) {
  EXPECT_NEAR(allowed_drop(10, 0.02), 0.1, 1e-6);
  EXPECT_NEAR(allowed_drop(49, 0.02), 1.0 / 49.0, 1e-6);
  EXPECT_DOUBLE_EQ(allowed_drop(100, 0.02), 0.02) << "two conversations are allowed anyway";
  EXPECT_DOUBLE_EQ(allowed_drop(10, 0.0), 0.0) << "none may be lost";
  EXPECT_DOUBLE_EQ(allowed_drop(2, 0.02), 0.02) << "one of two is more than chance";
  EXPECT_DOUBLE_EQ(allowed_drop(10, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(allowed_drop(0, 0.02), 0.02);
}

TEST(UnseenDrop, IsTheLargestThatNoLossLeavesPossible) {
  EXPECT_NEAR(std::pow(1.0 - unseen_drop(10), 10), 0.05, 1e-12);
  EXPECT_DOUBLE_EQ(unseen_drop(0), 1.0);
}

}  // namespace
}  // namespace mascing
