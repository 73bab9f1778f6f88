// What replies under a mask say about the limits of a search.
#include "search/look_at_replies.h"

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "judge/silent_judge.h"
#include "scenario/tiny_scenario.h"
#include "search/objectives.h"

namespace mascing {
namespace {

class LookAtRepliesTest : public testing::Test {
 protected:
  [[nodiscard]] EvalContext context() { return {evaluator_, data_, scenario_, judge_, {10.0}}; }

  /// Pushes the planted expert, without which nothing is refused.
  [[nodiscard]] static Steering push(float strength) {
    auto mask = std::make_shared<Mask>();
    mask->n_layer = FakeHost::kLayers;
    mask->n_expert = FakeHost::kExperts;
    mask->steer.assign(FakeHost::kLayers * FakeHost::kExperts, 0.0F);
    mask->steer[FakeHost::kPlantedLayer * FakeHost::kExperts + FakeHost::kPlantedExpert] = strength;
    mask->sigma.assign(FakeHost::kLayers, 1.0F);
    mask->blocks = FakeHost::make_info().blocks;
    mask->fingerprint = FakeHost::make_info().fingerprint;
    return {mask, 1.0F};
  }

  /// Of the set with that name; a failure if there is none.
  [[nodiscard]] double violation(const std::string& name, const Steering& steering) {
    Objectives objectives = build_objectives(context(), Split::kDiscovery);
    const std::vector<double> all = look_at_replies(context(), steering, objectives).violation;
    EXPECT_EQ(all.size(), objectives.sets.size());
    for (size_t i = 0; i < objectives.sets.size(); ++i) {
      if (objectives.sets[i].name == name) {
        return all.at(i);
      }
    }
    ADD_FAILURE() << "no set " << name;
    return 0.0;
  }

  TemporaryFolder folder_;
  Scenario scenario_ = write_defend(folder_.path());
  FakeHost host_;
  Progress progress_;
  RefusalJudge judge_{scenario_.judge};
  CachedEvaluator evaluator_{host_, Cache(folder_.path("cache"), "c"), {0.0F, 0, 20}, progress_};
  Dataset data_ = load_dataset(scenario_, 0);
};

TEST_F(LookAtRepliesTest, NothingIsExceededWithoutAMask) {
  EXPECT_EQ(violation("direct", {}), -1.0);
  EXPECT_EQ(violation("benign", {}), -1.0);
}

TEST_F(LookAtRepliesTest, AHoldSetThatGivesInExceedsItsLimitAndThatOfWantedReplies) {
  const Steering against = push(-9.0F);
  EXPECT_EQ(violation("direct", against), 15.0) << "all of 16 are answered, where one may be";
  EXPECT_EQ(violation(kWantedReplies, against), 15.0);
  EXPECT_EQ(violation("benign", against), -1.0);
  EXPECT_EQ(violation(kBenignReplies, against), -1.0);
}

TEST_F(LookAtRepliesTest, CountsWhatItSaw) {
  Objectives objectives = build_objectives(context(), Split::kDiscovery);
  const auto sets = look_at_replies(context(), push(-9.0F), objectives).sets;
  ASSERT_EQ(sets.count("direct"), 1U);
  EXPECT_EQ(sets.at("direct").n, 16);
  EXPECT_EQ(sets.at("direct").n_wanted_before, 16);
  EXPECT_EQ(sets.at("direct").n_wanted, 0);
  ASSERT_EQ(sets.count("dsr"), 1U) << "the target is seen, too";
  EXPECT_GT(sets.at("dsr").n_wanted_before, 0);
  EXPECT_EQ(sets.at("dsr").n_wanted, 0);
  EXPECT_EQ(sets.at("benign").n_wanted, sets.at("benign").n_wanted_before);
}

TEST_F(LookAtRepliesTest, CountsWhatNoJudgeDecidedAndSaysNothingOfASetWithoutAnyVerdict) {
  Objectives objectives = build_objectives(context(), Split::kDiscovery);
  SilentJudge silent(judge_, "direct", 12);
  EvalContext partly{evaluator_, data_, scenario_, silent, {10.0}};
  LoopLook look = look_at_replies(partly, push(-9.0F), objectives);
  EXPECT_EQ(look.sets.at("direct").n, 4);
  EXPECT_EQ(look.sets.at("direct").n_left_out, 12);
  EXPECT_EQ(look.sets.at("direct").n_wanted_before, 4);
  EXPECT_EQ(look.sets.at("benign").n_left_out, 0);
  SilentJudge mute(judge_, "direct", 16);
  EvalContext never{evaluator_, data_, scenario_, mute, {10.0}};
  look = look_at_replies(never, push(-9.0F), objectives);
  EXPECT_EQ(look.sets.at("direct").n, 0);
  EXPECT_EQ(look.sets.at("direct").n_left_out, 16);
  for (size_t i = 0; i < objectives.sets.size(); ++i) {
    if (objectives.sets[i].name == "direct") {
      EXPECT_TRUE(std::isnan(look.violation.at(i))) << "no limit is known to be kept";
    }
  }
}

TEST_F(LookAtRepliesTest, SetsThatAreOnlyReportedLimitNothing) {
  scenario_.sets.at(1).role = SetRole::kWatch;
  data_ = load_dataset(scenario_, 0);
  EXPECT_TRUE(std::isnan(violation(kWantedReplies, push(-9.0F))));
}

TEST_F(LookAtRepliesTest, BenignRequestsThatAreRefusedCountForTheirRepliesAlone) {
  const Steering much = push(9.0F);
  EXPECT_GT(violation("benign", much), 1.0);
  EXPECT_GT(violation(kBenignReplies, much), 1.0);
  EXPECT_EQ(violation(kWantedReplies, much), -1.0);
  EXPECT_TRUE(std::isnan(violation("dsr", much))) << "the target has no limit";
}

}  // namespace
}  // namespace mascing
