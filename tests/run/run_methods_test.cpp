// What the methods that ask the model find on the fake host, of which everything is known.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/run_fixture.h"

namespace mascing {
namespace {

/// Layer and expert that carry the behaviour are the ones that decide it.
void expect_carried_by_planted_expert(const EffectsResult& effects) {
  ASSERT_EQ(effects.layer_effect.size(), static_cast<size_t>(FakeHost::kLayers));
  const auto strongest = std::max_element(effects.layer_effect.begin(), effects.layer_effect.end());
  EXPECT_EQ(strongest - effects.layer_effect.begin(), FakeHost::kPlantedLayer);
  EXPECT_LE(effects.layer_q_value[FakeHost::kPlantedLayer], 0.05);
  const std::vector<double>& row = effects.carried[FakeHost::kPlantedLayer];
  EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), FakeHost::kPlantedExpert);
}

TEST_F(RunTest, AskingTheModelFindsThePlantedExpert) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kClosedLoop};
  scenario.search.n_map_pair = 300;
  scenario.general.n_block_token = 96;  // at least one piece of text on the discovery split
  const RunOutcome outcome = run(scenario, folder_.path("out"));
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.results.mask_method, "closed_loop");
  EXPECT_DOUBLE_EQ(outcome.results.metrics.at("dsr").steered->rate, 1.0);
  const auto& effect = outcome.results.effects.effect;
  EXPECT_EQ(std::max_element(effect.begin(), effect.end()) - effect.begin(),
            FakeHost::kPlantedLayer * FakeHost::kExperts + FakeHost::kPlantedExpert);
  EXPECT_GE(outcome.results.effects.n_significant, 1);
  EXPECT_LE(outcome.results.effects.n_pair, 300);
  EXPECT_LE(outcome.results.effects.n_layer_pair, 300);
  expect_carried_by_planted_expert(outcome.results.effects);
  const LoopResult& loop = outcome.results.loop;
  ASSERT_FALSE(loop.steps.empty());
  EXPECT_EQ(loop.n_stretch, std::min<int64_t>(6, static_cast<int64_t>(loop.steps.size())));
  EXPECT_GE(loop.i_best + 1, loop.n_stretch);
  EXPECT_EQ(loop.limits.size() + 1, loop.steps.back().values.size());  // all but the target's
  EXPECT_FALSE(loop.limits.contains("dsr"));
  for (const char* name :
       {"benign replies", "wanted replies", "general text", "loss on general text"}) {
    EXPECT_TRUE(loop.limits.contains(name)) << name;
  }
}

/// Says that it has gradients, and has none.
class PromisingHost : public FakeHost {
 public:
  [[nodiscard]] std::string why_no_gradients() const override { return ""; }
  std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests) override {
    return std::vector<Result<SteerGradient>>(requests.size(), {{}, "no rule to differentiate X"});
  }
};

TEST_F(RunTest, WithoutExactGradientsPairsOfMasksStepInAndTheRunSaysSo) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kClosedLoop};
  scenario.search.n_map_pair = 300;
  RunOptions options;
  options.output = folder_.path("out");
  const auto run_promising = [&] {
    return run_scenario(scenario,
                        FakeHost::make_info(),
                        [] { return std::make_unique<PromisingHost>(); },
                        options,
                        {});
  };
  const Results results = run_promising().results;
  EXPECT_EQ(results.loop.gradients, "pairs");
  EXPECT_GT(results.effects.n_pair, 0);
  EXPECT_EQ(results.effects.n_conversation, 0);
  const auto warning = std::find_if(results.warnings.begin(),
                                    results.warnings.end(),
                                    [](const Warning& w) { return w.id == "gradients_by_pairs"; });
  ASSERT_NE(warning, results.warnings.end());
  EXPECT_THAT(warning->text, testing::HasSubstr("no rule to differentiate X"));

  scenario.search.gradients = GradientSource::kExact;
  options.output = folder_.path("exact");
  EXPECT_THROW((void)run_promising(), Error);
}

TEST_F(RunTest, WithoutExactGradientsThereIsNoAdapterAndTheRunSaysSo) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kRouterAdapter, MaskMethod::kMeanDifference};
  RunOptions options;
  options.output = folder_.path("out");
  const Results results = run_scenario(scenario,
                                       FakeHost::make_info(),
                                       [] { return std::make_unique<PromisingHost>(); },
                                       options,
                                       {})
                              .results;
  EXPECT_EQ(results.mask_method, "mean_difference");
  const auto warning = std::find_if(results.warnings.begin(),
                                    results.warnings.end(),
                                    [](const Warning& w) { return w.id == "no_adapter"; });
  ASSERT_NE(warning, results.warnings.end());
  EXPECT_THAT(warning->text, testing::HasSubstr("no rule to differentiate X"));
}

TEST_F(RunTest, ASurrogateThatLearntFromInterventionsFindsThePlantedExpert) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kInterventionalSurrogate};
  const RunOutcome outcome = run(scenario, folder_.path("out"));
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.results.mask_method, "interventional_surrogate");
  EXPECT_DOUBLE_EQ(outcome.results.metrics.at("dsr").steered->rate, 1.0);
  EXPECT_DOUBLE_EQ(outcome.results.metrics.at("benign").steered->rate, 1.0);
  const auto& steer = outcome.results.mask_steer;
  EXPECT_EQ(std::max_element(steer.begin(), steer.end()) - steer.begin(),
            FakeHost::kPlantedLayer * FakeHost::kExperts + FakeHost::kPlantedExpert);
  const InterventionalSurrogateResult& learnt = outcome.results.interventional;
  ASSERT_EQ(learnt.rounds.size(), 10U);
  EXPECT_GT(learnt.rounds.back().correlation, 0.5);
  EXPECT_GT(learnt.n_question, 0);
}

}  // namespace
}  // namespace mascing
