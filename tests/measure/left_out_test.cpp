#include "measure/left_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/warning_ids.h"
#include "measure/limit_coverage.h"
#include "stage/power.h"

namespace mascing {
namespace {

OutcomeSet set_of(const std::string& name, size_t n_text) {
  OutcomeSet set;
  set.name = name;
  set.texts.resize(n_text);
  return set;
}

TEST(LeftOut, CountsAnItemOnceAndKeepsTheFirstReason) {
  LeftOut left_out;
  EXPECT_TRUE(left_out.empty());
  const OutcomeSet tales = set_of("tales", 40);
  const OutcomeSet songs = set_of("songs", 12);
  left_out.add(tales, 3, "too long\x1b");
  left_out.add(songs, 0, "no rule");
  left_out.add(tales, 3, "too long");
  left_out.add(tales, 8, "too long");
  EXPECT_FALSE(left_out.empty());
  EXPECT_EQ(left_out.words(),
            "1 of 12 of 'songs', 2 of 40 of 'tales'; the first because: too long?");
}

ScenarioSet set_with(const std::string& metric, SetRole role) {
  ScenarioSet set;
  set.metric = metric;
  set.role = role;
  return set;
}

TEST(LimitCoverage, FourFifthsOfASetAreEnough) {
  EXPECT_FALSE(are_few(4, 5));
  EXPECT_FALSE(are_few(12, 15));
  EXPECT_TRUE(are_few(11, 15));
  EXPECT_TRUE(are_few(0, 1));
  EXPECT_FALSE(are_few(0, 0)) << "a set without conversations lacks none";
}

TEST(LimitCoverage, WarnsOfTheLeastShareOfEachSetWithALimit) {
  LimitCoverage coverage;
  const ScenarioSet hold = set_with("direct", SetRole::kHold);
  const ScenarioSet keep = set_with("keep", SetRole::kKeep);
  const ScenarioSet benign = set_with("benign", SetRole::kBenign);
  coverage.add(hold, 38, 40);
  coverage.add(keep, 20, 20);
  coverage.add(benign, 16, 20);
  coverage.add(set_with("dsr", SetRole::kTarget), 1, 100);
  coverage.add(set_with("seen", SetRole::kWatch), 1, 100);
  EXPECT_TRUE(coverage.warnings("on the test split").empty());
  coverage.add(hold, 12, 40);
  coverage.add(hold, 30, 40);
  coverage.add(benign, 15, 20);
  const std::vector<Warning> warnings = coverage.warnings("on the test split");
  EXPECT_THAT(warning_ids(warnings), testing::ElementsAre("limit_from_few"));
  EXPECT_THAT(warnings.at(0).text,
              testing::HasSubstr("limits on the test split were judged from part of their "
                                 "conversations: 15 of 20 of 'benign', 12 of 40 of 'direct'; "));
}

}  // namespace
}  // namespace mascing
