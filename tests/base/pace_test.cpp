// Time left of a run of three steps of 10, 60 and 30 seconds.
#include "base/pace.h"

#include <gtest/gtest.h>

namespace mascing {
namespace {

Pace three_steps() {
  Pace pace;
  pace.expect({10.0, 60.0, 30.0});
  return pace;
}

TEST(Pace, FollowsTheForecastWhereItHolds) {
  Pace pace = three_steps();
  pace.enter(0, 1000.0);
  EXPECT_DOUBLE_EQ(pace.left(1000.0, 0.0), 100.0);
  EXPECT_DOUBLE_EQ(pace.left(1004.0, 0.0), 96.0);
  pace.enter(1, 1010.0);
  EXPECT_DOUBLE_EQ(pace.left(1040.0, 0.0), 60.0);
  pace.enter(2, 1070.0);
  EXPECT_NEAR(pace.left(1099.0, 0.0), 1.0, 1e-9);
}

TEST(Pace, CorrectsWhatIsToComeByWhatWasMeasured) {
  Pace pace = three_steps();
  pace.enter(0, 0.0);
  pace.enter(1, 10.0);
  pace.enter(2, 190.0);  // three times as long as forecast
  EXPECT_GT(pace.left(190.0, 0.0), 70.0);
  EXPECT_LT(pace.left(190.0, 0.0), 90.0);
}

TEST(Pace, AStepThatTakesLongerSlowsTheOthersWhileItRuns) {
  Pace pace = three_steps();
  pace.enter(0, 0.0);
  pace.enter(1, 10.0);
  EXPECT_NEAR(pace.left(70.0, 0.0), 30.0, 1e-9);
  EXPECT_GT(pace.left(190.0, 0.0), 70.0);
}

TEST(Pace, ACachedStepTellsNothing) {
  Pace pace = three_steps();
  pace.enter(0, 0.0);
  pace.enter(1, 0.1);
  pace.enter(2, 0.2);
  EXPECT_DOUBLE_EQ(pace.left(0.2, 0.0), 30.0);
}

TEST(Pace, FollowsTheSpeedOfWhatEndsAStepRatherThanTheForecast) {
  Pace pace = three_steps();
  pace.enter(0, 0.0);
  pace.enter(1, 10.0);
  // Ten seconds in, ten more by its own speed: a third of the forecast.
  EXPECT_NEAR(pace.left(20.0, 10.0), 80.0, 1e-9) << "more may follow in the step";
  const double left = pace.left(20.0, 10.0, true);
  EXPECT_GT(left, 10.0 + 30.0 / 3.0);
  EXPECT_LT(left, 10.0 + 30.0 * 0.6);
  // Its next step then begins with nearly the same figure.
  pace.enter(2, 30.0);
  EXPECT_NEAR(pace.left(30.0, 0.0), left - 10.0, 1e-9);
}

TEST(Pace, AStepOfASixthOfItsForecastWasNotCached) {
  Pace pace = three_steps();
  pace.enter(1, 0.0);
  pace.enter(2, 10.0);
  EXPECT_LT(pace.left(10.0, 0.0), 10.0);
}

TEST(Pace, NeverSaysLessThanTheStepItself) {
  Pace pace = three_steps();
  pace.enter(2, 0.0);
  EXPECT_DOUBLE_EQ(pace.left(29.0, 25.0), 25.0);
}

TEST(Pace, IsNothingWithoutAForecast) {
  Pace pace;
  EXPECT_FALSE(pace.has_forecast());
  pace.enter(0, 5.0);
  EXPECT_EQ(pace.left(9.0, 0.0), 0.0);
}

TEST(TimeLeftWords, AreCoarse) {
  EXPECT_EQ(time_left_words(0.2), "about 5 s left");
  EXPECT_EQ(time_left_words(41.0), "about 45 s left");
  EXPECT_EQ(time_left_words(350.0), "about 6 min left");
  EXPECT_EQ(time_left_words(7200.0), "about 2 h left");
  EXPECT_EQ(time_left_words(7900.0), "about 2 h 10 min left");
}

}  // namespace
}  // namespace mascing
