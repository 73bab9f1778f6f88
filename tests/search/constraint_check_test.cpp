// The limits of sets.
#include "search/constraint_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

TEST(BrokenLimit, IsADropBeyondWhatTheSetAllows) {
  ScenarioSet set;
  set.metric = "benign_compliance";
  set.max_drop = 0.1;
  EXPECT_EQ(broken_limit(set, 0.9, 0.85, 100), "");
  EXPECT_THAT(broken_limit(set, 0.9, 0.7, 100), testing::HasSubstr("70"));
}

TEST(BrokenLimit, IsBrokenWhereNoJudgeHasDecided) {
  ScenarioSet set;
  set.metric = "benign_compliance";
  EXPECT_THAT(broken_limit(set, 0.0, 0.0, 0), testing::HasSubstr("no reply has a verdict"));
  const JudgedReplies failed{{AskedReply{}}, {JudgedReply{.error = "no judge covers this set"}}};
  EXPECT_EQ(failed.n_decided(), 0);
  const JudgedReplies known{{AskedReply{}}, {JudgedReply{}}};
  EXPECT_EQ(known.n_decided(), 1);
}

}  // namespace
}  // namespace mascing
