// The effect map against models whose effects are known.
#include "stage/effect_map.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "stage/budget_spent.h"
#include "stage/numeric_model.h"

namespace mascing {
namespace {

/// Design of +-1 and a response with the given effects and noise.
struct Sample {
  std::vector<float> design;
  std::vector<double> response;
};

Sample draw(const std::vector<double>& effects, int64_t n, double noise, uint64_t seed) {
  Rng rng(seed);
  Sample sample;
  for (int64_t i = 0; i < n; ++i) {
    double y = noise * rng.normal();
    for (const double effect : effects) {
      const double x = rng.below(2) == 0 ? 1.0 : -1.0;
      sample.design.push_back(static_cast<float>(x));
      y += effect * x;
    }
    sample.response.push_back(y);
  }
  return sample;
}

TEST(EffectMap, RecoversKnownEffectsWithoutNoise) {
  const std::vector<double> effects = {2.0, -1.0, 0.0, 0.5};
  const Sample sample = draw(effects, 200, 0.0, 1);
  const EffectMap map = fit_effects(sample.design, sample.response, 4);
  for (size_t j = 0; j < effects.size(); ++j) {
    EXPECT_NEAR(map.effect[j], effects[j], 0.07 * 2.0);  // ridge shrinks a little
  }
  EXPECT_GT(map.r2, 0.99);
  EXPECT_GT(map.reliability(), 0.99);
}

TEST(EffectMap, StandardErrorsAreOfTheSizeOfTheErrors) {
  std::vector<double> effects(30, 0.0);
  effects[3] = 1.0;
  double square = 0.0;
  double expected = 0.0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Sample sample = draw(effects, 300, 2.0, seed);
    const EffectMap map = fit_effects(sample.design, sample.response, 30);
    square += std::pow(map.effect[10], 2);
    expected += std::pow(map.standard_error[10], 2);
  }
  EXPECT_GT(square / expected, 0.4);
  EXPECT_LT(square / expected, 2.2);
}

TEST(EffectMap, FindsTheEffectsAndHardlyAnythingElse) {
  std::vector<double> effects(100, 0.0);
  for (size_t j = 0; j < 5; ++j) {
    effects[10 * j] = j % 2 == 0 ? 0.5 : -0.5;
  }
  const Sample sample = draw(effects, 1000, 1.0, 7);
  const EffectMap map = fit_effects(sample.design, sample.response, 100);
  for (size_t j = 0; j < 5; ++j) {
    EXPECT_LE(map.q_value[10 * j], 0.05);
  }
  EXPECT_LE(map.n_significant(), 7);
}

TEST(EffectMap, OfPureNoiseHasNoSignificantEffect) {
  const Sample sample = draw(std::vector<double>(50, 0.0), 400, 1.0, 3);
  const EffectMap map = fit_effects(sample.design, sample.response, 50);
  EXPECT_EQ(map.n_significant(), 0);
  EXPECT_LT(map.r2, 0.05);
}

TEST(EffectMap, WorksWithFewerInterventionsThanEntries) {
  std::vector<double> effects(200, 0.0);
  effects[17] = 3.0;
  const Sample sample = draw(effects, 80, 0.1, 5);
  const EffectMap map = fit_effects(sample.design, sample.response, 200);
  EXPECT_EQ(std::max_element(map.effect.begin(), map.effect.end()) - map.effect.begin(), 17);
}

TEST(EffectMap, NeedsThreeInterventions) {
  expect_error(ErrorKind::kInsufficient, "2 interventions", [] {
    static_cast<void>(fit_effects({1.0F, -1.0F}, {1.0, 2.0}, 1));
  });
}

TEST(MeasureEffects, StopsOnceTheEffectsAreKnownWellEnough) {
  NumericModel model;
  std::vector<double> gain(16, 0.0);
  gain[3] = 2.0;
  gain[12] = -1.0;
  model.add("dsr", {}, 50, 0.0, gain, 0.1, 1);
  const Mask base = numeric_frame(8);
  EffectOptions options;
  options.n_round = 64;
  const EffectMap map =
      measure_effects(base, all_entries(base), model.sets, 0, model.ask(), options);
  EXPECT_LE(map.n, 128);
  EXPECT_NEAR(map.effect[3], 2.0, 0.3);
  EXPECT_NEAR(map.effect[12], -1.0, 0.3);
}

TEST(MeasureEffects, LeavesOutWhatTheModelCouldNotAnswer) {
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 0.1), 0.0, 1);
  const Mask base = numeric_frame(8);
  const AskModel deaf = [](const std::vector<Question>& questions) {
    return std::vector<double>(questions.size(), NAN);
  };
  expect_error(ErrorKind::kInsufficient, "0 interventions", [&] {
    static_cast<void>(measure_effects(base, all_entries(base), model.sets, 0, deaf, {}));
  });
}

TEST(MeasureEffects, KeepsTheRoundsBeforeTheBudgetWasSpent) {
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 0.1), 0.5, 1);
  const Mask base = numeric_frame(8);
  EffectOptions options;
  options.n_round = 64;
  options.reliability = 1.0;
  int n_left = 2;
  const AskModel limited = [&, ask = model.ask()](const std::vector<Question>& questions) {
    return n_left-- > 0 ? ask(questions) : throw BudgetSpent();
  };
  EXPECT_EQ(measure_effects(base, all_entries(base), model.sets, 0, limited, options).n, 2 * 64);
  n_left = 0;
  EXPECT_THROW((void)measure_effects(base, all_entries(base), model.sets, 0, limited, options),
               BudgetSpent);
}

TEST(UnitRows, HaveLengthOneOrZero) {
  const std::vector<float> rows = unit_rows({3.0F, 4.0F, 0.0F, 0.0F, 0.0F, -2.0F}, 2);
  const std::vector<float> expected = {0.6F, 0.8F, 0.0F, 0.0F, 0.0F, -1.0F};
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NEAR(rows[i], expected[i], 1e-6F);
  }
}

TEST(LayerEffects, AreTheGainsAlongTheDirections) {
  NumericModel model;
  std::vector<double> gain(16, 0.0);
  gain[0] = 1.0;
  gain[1] = 1.0;
  gain[9] = -2.0;
  model.add("dsr", {}, 50, 0.0, gain, 0.1, 1);
  std::vector<float> directions(16, 0.0F);
  directions[0] = directions[1] = 1.0F;  // layer 0: along its gain
  directions[8] = directions[9] = 1.0F;  // layer 1: half of it does nothing
  EffectOptions options;
  options.reliability = 1.0;
  options.n_max = 256;
  const EffectMap map = measure_layer_effects(
      numeric_frame(8), unit_rows(directions, 8), model.sets, 0, model.ask(), options);
  ASSERT_EQ(map.effect.size(), 2U);
  EXPECT_EQ(map.n, 256);
  EXPECT_NEAR(map.effect[0], std::sqrt(2.0), 0.15);  // ridge shrinks a little
  EXPECT_NEAR(map.effect[1], -std::sqrt(2.0), 0.15);
  EXPECT_EQ(map.n_significant(), 2);
}

TEST(LayerEffects, OfALayerThatDoesNothingAreNothing) {
  NumericModel model;
  std::vector<double> gain(16, 0.0);
  gain[8] = 1.0;
  model.add("dsr", {}, 50, 0.0, gain, 0.3, 1);
  const std::vector<float> ones(16, 1.0F);
  const EffectMap map =
      measure_layer_effects(numeric_frame(8), unit_rows(ones, 8), model.sets, 0, model.ask(), {});
  EXPECT_GT(map.q_value[0], 0.01);
  EXPECT_LT(map.q_value[1], 0.01);
}

TEST(LayerEffects, ShowExpertsThatStandInForOneAnother) {
  // Any of three guards will do: the margin is that of the strongest.
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 0.0), 0.0, 1);
  const AskModel ask = [](const std::vector<Question>& questions) {
    std::vector<double> answers;
    for (const Question& question : questions) {
      const float* row = question.steering.mask->steer.data();
      answers.push_back(static_cast<double>(std::max({row[0], row[1], row[2]})));
    }
    return answers;
  };
  const Mask base = numeric_frame(8);
  std::vector<float> directions(16, 0.0F);
  directions[0] = directions[1] = directions[2] = 1.0F;
  directions = unit_rows(directions, 8);
  const EffectMap single = measure_effects(base, all_entries(base), model.sets, 0, ask, {});
  const EffectMap layers = measure_layer_effects(base, directions, model.sets, 0, ask, {});
  for (size_t j = 0; j < 3; ++j) {
    const double carried = layers.effect[0] * static_cast<double>(directions[j]);
    EXPECT_GT(carried, 1.2 * single.effect[j]);
  }
}

}  // namespace
}  // namespace mascing
