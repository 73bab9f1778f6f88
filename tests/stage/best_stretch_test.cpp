// Which steps of a loop become the mask.
#include "stage/best_stretch.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using testing::Each;

TEST(BestStretch, IsTheLatestOfTheBestLateOnes) {
  std::vector<double> merit(24, 0.5);
  EXPECT_EQ(best_stretch(merit, 0, 6), 23);
  merit[3] = 9.0;
  EXPECT_EQ(best_stretch(merit, 0, 6), 23) << "the first half does not count";
  merit[14] = 0.9;
  EXPECT_EQ(best_stretch(merit, 0, 6), 19) << "the last stretch with step 14";
  EXPECT_EQ(best_stretch(merit, 15, 6), 23) << "step 14 is left out";
  EXPECT_EQ(best_stretch({0.1, 0.2}, 0, 2), 1);
  EXPECT_EQ(best_stretch({}, 0, 0), 0);
}

TEST(UnseenByMargins, SaysNothingWithoutTwoLooks) {
  const std::vector<double> value(10, 0.5);
  EXPECT_THAT(unseen_by_margins(value, {}), Each(0.0));
  EXPECT_THAT(unseen_by_margins(value, {{5, 64, 30}}), Each(0.0));
}

TEST(UnseenByMargins, SaysNothingWhereRepliesAndMarginsAgree) {
  const std::vector<double> level(40, 0.75);
  EXPECT_THAT(unseen_by_margins(level, {{20, 64, 16}, {30, 64, 16}}),
              Each(testing::DoubleNear(0, 1e-9)));
}

TEST(UnseenByMargins, IsLargerWhereRepliesGainMore) {
  const std::vector<double> value(60, 0.8);
  const std::vector<double> excess = unseen_by_margins(value, {{20, 192, 96}, {50, 192, 48}});
  EXPECT_NEAR(excess[20] - excess[50], 0.25 * 192 / (192 + 16), 1e-9);
  EXPECT_NEAR(excess[35], 0.0, 0.01) << "half-way";
  EXPECT_EQ(excess[0], excess[19]) << "as next to the first look";
  EXPECT_EQ(excess[59], excess[50]) << "as next to the last";
}

TEST(UnseenByMargins, BelievesFewRepliesLess) {
  const std::vector<double> value(60, 0.8);
  const std::vector<double> many = unseen_by_margins(value, {{20, 192, 96}, {50, 192, 48}});
  const std::vector<double> few = unseen_by_margins(value, {{20, 16, 8}, {50, 16, 4}});
  EXPECT_NEAR(few[20] / many[20], 0.5 / (192.0 / 208.0), 1e-9);
}

TEST(UnseenByMargins, MarginsThatAreAskedOtherwiseFromALookOnCountForNothing) {
  std::vector<double> value(60, 0.9);  // too high until the look at 30 brings new openings
  std::fill(value.begin() + 30, value.end(), 0.6);
  const std::vector<double> excess =
      unseen_by_margins(value, {{20, 64, 6}, {30, 64, 6}, {40, 64, 6}});
  EXPECT_NEAR(value[25] + excess[25], value[45] + excess[45], 0.061) << "all looks saw the same";
}

}  // namespace
}  // namespace mascing
