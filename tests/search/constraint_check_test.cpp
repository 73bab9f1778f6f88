// The limits of sets.
#include "search/constraint_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

MetricResult both_of(const JudgedReplies& base, const JudgedReplies& treated) {
  return compare(base.replies, base.judged, treated.replies, treated.judged);
}

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
  EXPECT_THAT(broken_limit(set, 0.0, 0.0, 0),
              testing::HasSubstr("no conversation has a verdict on both sides"));
  const JudgedReplies failed{{AskedReply{}}, {JudgedReply{.error = "no judge covers this set"}}};
  const JudgedReplies known{{AskedReply{}}, {JudgedReply{}}};
  EXPECT_EQ(broken_limit(set, both_of(known, failed)),
            "benign compliance: no conversation has a verdict on both sides");
  EXPECT_EQ(broken_limit(set, both_of(known, known)), "");
}

// The judge fails on the replies that were not wanted anyway: 8 of 10 and 6 of 8 are nearly the
// same share, but two of eight conversations are lost.
TEST(BrokenLimit, ComparesWhatBothSidesCouldAnswer) {
  ScenarioSet set;
  set.metric = "benign_compliance";
  set.max_drop = 0.05;
  JudgedReplies base{std::vector<AskedReply>(10), std::vector<JudgedReply>(10)};
  JudgedReplies treated = base;
  for (size_t i = 0; i < 8; ++i) {
    base.judged[i].is_wanted = true;
    treated.judged[i].is_wanted = i >= 2;
  }
  for (size_t i = 8; i < 10; ++i) {
    treated.judged[i].error = "no verdict";
  }
  EXPECT_EQ(broken_limit(set, base.rate().rate, treated.rate().rate, 8), "");
  EXPECT_EQ(both_of(base, treated).n_left_out, 2);
  EXPECT_THAT(broken_limit(set, both_of(base, treated)), testing::EndsWith("75.0 % < 95.0 %"));
  base.judged[7].error = "no verdict";  // now on one side or the other 3 of 10
  EXPECT_THAT(broken_limit(set, both_of(base, treated)),
              testing::EndsWith("71.4 % < 95.0 % (7 of 10 conversations)"));
}

TEST(AskingOrder, BeginsWithAFairSample) {
  using testing::ElementsAre;
  EXPECT_THAT(asking_order(8, 4), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_THAT(asking_order(3, 64), ElementsAre(0, 1, 2));
  EXPECT_TRUE(asking_order(0, 64).empty());
}

}  // namespace
}  // namespace mascing
