// What the methods that ask the model find on the fake host, of which everything is known.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/warning_ids.h"
#include "mascing/error.h"
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
  EXPECT_EQ(loop.method, "closed_loop");
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
  EXPECT_THAT(warning_of("gradients_by_pairs", results.warnings).text,
              testing::HasSubstr("no rule to differentiate X"));

  scenario.search.gradients = GradientSource::kExact;
  options.output = folder_.path("exact");
  EXPECT_THROW((void)run_promising(), Error);
}

/// Differentiates margins by the one entry that counts, those of the target's longer requests
/// excepted.
class PartlyExactHost : public FakeHost {
 public:
  [[nodiscard]] std::string why_no_gradients() const override { return ""; }
  /// One token is certain everywhere.
  std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Result<Score>> scores = FakeHost::score(requests);
    for (Result<Score>& one : scores) {
      one.value.top.assign(one.value.top.size(), {{3}, {0.0F}, -100.0F});
    }
    return scores;
  }
  std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests) override {
    std::vector<Result<SteerGradient>> results(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      const GradientRequest& request = requests[i];
      if (request.openings->size() > 1 && request.tokens.size() > 17) {
        results[i].error = "too long: 18 tokens";
        continue;
      }
      SteerGradient& gradient = results[i].value;
      gradient.values = {value_of(request, 0.0F)};
      gradient.d_steer = {std::vector<float>(kLayers * kExperts, 0.0F)};
      gradient.d_steer[0][kPlantedLayer * kExperts + kPlantedExpert] =
          static_cast<float>((value_of(request, 0.01F) - value_of(request, -0.01F)) / 0.02);
    }
    return results;
  }

 private:
  [[nodiscard]] double value_of(const GradientRequest& request, float moved_by) {
    auto mask = std::make_shared<Mask>(*request.steering.mask);
    mask->row(kPlantedLayer)[kPlantedExpert] += moved_by;
    OpeningScores scores;
    scores.log_prob = probe({{request.tokens, request.openings, {mask, request.steering.alpha}}})
                          .at(0)
                          .value.log_prob;
    OpeningScores d_scores;
    d_scores.log_prob.assign(scores.log_prob.size(), 0.0);
    return request.outcomes.at(0)(scores, d_scores);
  }
};

TEST_F(RunTest, WhatExactGradientsLeaveOutIsCountedBySet) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kClosedLoop};
  RunOptions options;
  options.output = folder_.path("out");
  const Results results = run_scenario(scenario,
                                       FakeHost::make_info(),
                                       [] { return std::make_unique<PartlyExactHost>(); },
                                       options,
                                       {})
                              .results;
  EXPECT_EQ(results.loop.gradients, "exact");
  EXPECT_EQ(results.effects.n_conversation, 16);
  EXPECT_THAT(warning_of("gradients_left_out", results.warnings).text,
              testing::HasSubstr("16 of 32 of 'dsr'; the first because: too long: 18 tokens"));
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
  EXPECT_THAT(warning_of("no_adapter", results.warnings).text,
              testing::HasSubstr("no rule to differentiate X"));
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
