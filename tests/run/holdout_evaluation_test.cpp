// The test split where a judge fails, on the fake host.
#include "run/holdout_evaluation.h"

#include <algorithm>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "judge/silent_judge.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

class HoldoutEvaluationTest : public testing::Test {
 protected:
  /// The mask that every attack is refused under, where `n_silent` of 8 direct requests get no
  /// verdict.
  [[nodiscard]] HoldoutResult evaluate(int64_t n_silent) {
    Mask mask;
    mask.n_layer = FakeHost::kLayers;
    mask.n_expert = FakeHost::kExperts;
    mask.steer.assign(FakeHost::kLayers * FakeHost::kExperts, 0.0F);
    mask.steer[FakeHost::kPlantedLayer * FakeHost::kExperts + FakeHost::kPlantedExpert] = 1.0F;
    mask.sigma.assign(FakeHost::kLayers, 1.0F);
    mask.blocks = FakeHost::make_info().blocks;
    mask.fingerprint = FakeHost::make_info().fingerprint;
    RefusalJudge refusals(scenario_.judge);
    SilentJudge judge(refusals, "direct", n_silent);
    CachedEvaluator evaluator(host_, Cache(folder_.path("cache"), "c"), {0.0F, 0, 20}, progress_);
    const EvalContext context{evaluator, data_, scenario_, judge, {10.0}};
    return evaluate_holdout(context, {{std::make_shared<const Mask>(mask), 1.0F}}, {0});
  }

  TemporaryFolder folder_;
  Scenario scenario_ = write_defend(folder_.path());
  Dataset data_ = load_dataset(scenario_, 0);
  FakeHost host_;
  Progress progress_;
};

TEST_F(HoldoutEvaluationTest, SaysThatALimitWasJudgedFromFew) {
  const HoldoutResult most = evaluate(1);
  EXPECT_EQ(most.metrics.at("direct").n, 7);
  EXPECT_EQ(most.metrics.at("direct").n_left_out, 1);
  EXPECT_EQ(most.metrics.at("benign").n_left_out, 0);
  EXPECT_THAT(warning_ids(most.warnings), testing::Not(testing::Contains("limit_from_few")));
  const HoldoutResult few = evaluate(3);
  EXPECT_EQ(few.metrics.at("direct").n, 5);
  EXPECT_EQ(few.metrics.at("direct").n_left_out, 3);
  const auto warning = std::find_if(few.warnings.begin(),
                                    few.warnings.end(),
                                    [](const Warning& one) { return one.id == "limit_from_few"; });
  ASSERT_NE(warning, few.warnings.end());
  EXPECT_THAT(warning->text, testing::HasSubstr("on the test split"));
  EXPECT_THAT(warning->text, testing::HasSubstr("5 of 8 of 'direct'"));
}

TEST_F(HoldoutEvaluationTest, AHoldSetWithoutAVerdictIsNotKept) {
  EXPECT_TRUE(evaluate(3).keeps_hold);
  const HoldoutResult none = evaluate(8);
  EXPECT_EQ(none.metrics.at("direct").n, 0);
  EXPECT_FALSE(none.keeps_hold);
  EXPECT_THAT(warning_ids(none.warnings), testing::Contains("limit_from_few"));
}

}  // namespace
}  // namespace mascing
