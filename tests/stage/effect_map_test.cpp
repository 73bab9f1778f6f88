// The effect map against models whose effects are known.
#include "stage/effect_map.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
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
  const Mask frame = numeric_frame(8);
  EffectOptions options;
  options.n_round = 64;
  const EffectMap map =
      measure_effects(frame, all_entries(frame), model.sets, 0, model.ask(), options);
  EXPECT_LE(map.n, 128);
  EXPECT_NEAR(map.effect[3], 2.0, 0.3);
  EXPECT_NEAR(map.effect[12], -1.0, 0.3);
}

TEST(MeasureEffects, LeavesOutWhatTheModelCouldNotAnswer) {
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 0.1), 0.0, 1);
  const Mask frame = numeric_frame(8);
  const AskModel deaf = [](const std::vector<Question>& questions) {
    return std::vector<double>(questions.size(), NAN);
  };
  expect_error(ErrorKind::kInsufficient, "0 interventions", [&] {
    static_cast<void>(measure_effects(frame, all_entries(frame), model.sets, 0, deaf, {}));
  });
}

}  // namespace
}  // namespace mascing
