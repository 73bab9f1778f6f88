#include "base/spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using ::testing::ElementsAre;

TEST(SpreadIndices, TakeEvenlyFromAll) {
  EXPECT_THAT(spread_indices(10, 4), ElementsAre(0, 2, 5, 7));
  EXPECT_THAT(spread_indices(5, 2), ElementsAre(0, 2));
  EXPECT_THAT(spread_indices(3, 7), ElementsAre(0, 1, 2));
  EXPECT_TRUE(spread_indices(0, 4).empty());
  EXPECT_TRUE(spread_indices(4, 0).empty());
}

TEST(SpreadIndices, TakeOtherPlacesWithAnOffsetAndBeginAgainAtTheFirst) {
  EXPECT_THAT(spread_indices(10, 4, 1), ElementsAre(1, 3, 6, 8));
  EXPECT_THAT(spread_indices(10, 4, 3), ElementsAre(3, 5, 8, 0));
  EXPECT_THAT(spread_indices(3, 7, 5), ElementsAre(2, 0, 1));
  EXPECT_TRUE(spread_indices(0, 4, 2).empty());
}

TEST(SpreadIndices, ElementsStandAtTheirPlaces) {
  EXPECT_THAT(taken_at(std::vector<int>{5, 6, 7, 8}, {0, 3}), ElementsAre(5, 8));
}

}  // namespace
}  // namespace mascing
