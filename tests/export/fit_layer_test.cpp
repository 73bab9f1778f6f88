// Fits on inputs whose answer is known.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/half.h"
#include "base/random.h"
#include "export/constant_direction.h"

namespace mascing {
namespace {

constexpr int64_t kEmbd = 12;
constexpr int64_t kExpert = 6;
constexpr int64_t kToken = 1500;

/// Inputs of normal numbers, the first `constant` in all; logits are a random matrix times them.
RouterSamples random_samples(float constant, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> weight(kExpert * kEmbd);
  for (double& w : weight) {
    w = rng.normal();
  }
  RouterSamples samples;
  samples.n_token = kToken;
  samples.n_embd = kEmbd;
  samples.n_expert = kExpert;
  for (int64_t i = 0; i < kToken; ++i) {
    std::vector<double> x(kEmbd);
    for (int64_t d = 0; d < kEmbd; ++d) {
      const double drawn = d == 0 && constant != 0.0F ? constant : rng.normal();
      samples.inputs.push_back(float_to_half(static_cast<float>(drawn)));
      x[d] = half_to_float(samples.inputs.back());
    }
    for (int64_t e = 0; e < kExpert; ++e) {
      double z = 0.0;
      for (int64_t d = 0; d < kEmbd; ++d) {
        z += weight[e * kEmbd + d] * x[d];
      }
      samples.logits.push_back(static_cast<float>(z));
    }
    samples.is_held_out.push_back(i % 4 == 3 ? 1 : 0);
  }
  return samples;
}

Mask mask_of(SigmaRule rule) {
  Mask mask;
  mask.n_layer = 1;
  mask.n_expert = kExpert;
  mask.n_expert_used = 2;
  mask.steer = {1.0F, -1.0F, 0.5F, 0.0F, 0.0F, -0.5F};
  mask.sigma = {1.5F};
  mask.blocks = {0};
  mask.sigma_rule = rule;
  return mask;
}

/// Mean of the held-out ratio would be 1 if the push were exact for each token.
double push(const LayerUpdate& layer, const RouterSamples& samples, int64_t i, int64_t e) {
  double sum = layer.shift.empty() ? 0.0 : layer.shift[e];
  for (int64_t r = 0; r < layer.rank; ++r) {
    double inner = 0.0;
    for (int64_t d = 0; d < kEmbd; ++d) {
      inner += static_cast<double>(layer.down[r * kEmbd + d]) *
               static_cast<double>(half_to_float(samples.inputs[i * kEmbd + d]));
    }
    sum += inner * static_cast<double>(layer.up[e * layer.rank + r]);
  }
  return sum;
}

TEST(FitLayer, WithAConstantAmongTheInputsACalibratedMaskIsMatchedExactly) {
  const RouterSamples samples = random_samples(2.0F, 1);
  const Mask mask = mask_of(SigmaRule::kCalibrated);
  const LayerUpdate layer = fit_layer(samples, mask, 0, 1.0, {});
  EXPECT_LT(layer.quality.ratio_spread, 0.02);
  EXPECT_GT(layer.quality.same_experts, 0.99);
  for (const int64_t i : {0, 3, 77}) {
    // What is the same for all experts does not count: compare differences.
    const double got = push(layer, samples, i, 0) - push(layer, samples, i, 1);
    EXPECT_NEAR(got, 1.5 * 2.0, 0.06) << "token " << i;
  }
}

TEST(FitLayer, ABiasCarriesACalibratedMaskWithoutAnyError) {
  FitOptions options;
  options.may_shift = true;
  const LayerUpdate layer =
      fit_layer(random_samples(0.0F, 2), mask_of(SigmaRule::kCalibrated), 0, 1.0, options);
  EXPECT_EQ(layer.method, "bias");
  EXPECT_EQ(layer.rank, 0);
  EXPECT_THAT(layer.shift, testing::ElementsAre(1.5F, -1.5F, 0.75F, 0.0F, 0.0F, -0.75F));
  EXPECT_EQ(layer.quality.same_experts, 1.0);
  EXPECT_NEAR(layer.quality.ratio_spread, 0.0, 1e-6);
}

TEST(FitLayer, AShiftHelpsWhereNoInputIsConstant) {
  const RouterSamples samples = random_samples(0.0F, 3);
  const Mask mask = mask_of(SigmaRule::kToken);
  FitOptions with_shift;
  with_shift.may_shift = true;
  const LayerUpdate without = fit_layer(samples, mask, 0, 1.0, {});
  const LayerUpdate with = fit_layer(samples, mask, 0, 1.0, with_shift);
  ASSERT_EQ(with.shift.size(), static_cast<size_t>(kExpert));
  EXPECT_TRUE(without.shift.empty());
  EXPECT_GT(with.quality.same_experts, without.quality.same_experts + 0.1);
}

TEST(FitLayer, AMatrixFitsBetterThanOneDirection) {
  const RouterSamples samples = random_samples(0.0F, 4);
  const Mask mask = mask_of(SigmaRule::kToken);
  FitOptions single;
  single.rank = 1;
  const LayerUpdate line = fit_layer(samples, mask, 0, 1.0, single);
  const LayerUpdate matrix = fit_layer(samples, mask, 0, 1.0, {});
  EXPECT_EQ(line.rank, 1);
  EXPECT_TRUE(line.method == "constant" || line.method == "spread") << line.method;
  EXPECT_TRUE(matrix.method == "matrix" || matrix.method == "choice") << matrix.method;
  EXPECT_GT(matrix.rank, 1);
  EXPECT_LE(matrix.rank, kExpert);
  EXPECT_GT(matrix.quality.same_experts, line.quality.same_experts + 0.08);
}

TEST(FitLayer, TheSameSamplesGiveTheSameNumbers) {
  const RouterSamples samples = random_samples(0.7F, 5);
  const Mask mask = mask_of(SigmaRule::kToken);
  const LayerUpdate a = fit_layer(samples, mask, 0, 1.0, {});
  const LayerUpdate b = fit_layer(samples, mask, 0, 1.0, {});
  EXPECT_EQ(a.down, b.down);
  EXPECT_EQ(a.up, b.up);
}

TEST(FitLayer, AnyNumberOfThreadsGivesTheSameNumbers) {
  const RouterSamples samples = random_samples(0.7F, 7);
  const Mask mask = mask_of(SigmaRule::kToken);
  FitOptions options;
  const LayerUpdate one = fit_layer(samples, mask, 0, 1.0, options);
  EXPECT_TRUE(one.method == "matrix" || one.method == "choice") << one.method;
  for (const int64_t n_thread : {2, 3, 8}) {
    options.n_thread = n_thread;
    const LayerUpdate several = fit_layer(samples, mask, 0, 1.0, options);
    EXPECT_EQ(several.down, one.down) << n_thread;
    EXPECT_EQ(several.up, one.up) << n_thread;
    EXPECT_EQ(several.quality.same_experts, one.quality.same_experts);
  }
}

TEST(FitLayer, ASumOfTwoRulesIsFittedAsTheSumOfItsPushes) {
  const RouterSamples samples = random_samples(2.0F, 8);
  Mask mask = mask_of(SigmaRule::kCalibrated);
  const LayerUpdate alone = fit_layer(samples, mask, 0, 1.0, {});
  mask.parts = {{SigmaRule::kToken, {0.0F, 1.5F, 0.0F, -1.5F, 0.0F, 0.0F}}};
  const LayerUpdate both = fit_layer(samples, mask, 0, 1.0, {});
  EXPECT_GT(both.quality.same_experts, 0.8);
  // On average over tokens, the difference of two experts' pushes is that of both parts.
  double got = 0.0;
  double of_one = 0.0;
  double wanted = 0.0;
  for (int64_t i = 0; i < kToken; ++i) {
    double mean = 0.0;
    double square = 0.0;
    for (int64_t e = 0; e < kExpert; ++e) {
      mean += static_cast<double>(samples.logits[i * kExpert + e]) / kExpert;
    }
    for (int64_t e = 0; e < kExpert; ++e) {
      square += std::pow(static_cast<double>(samples.logits[i * kExpert + e]) - mean, 2) / kExpert;
    }
    wanted += (1.5 * (-1.0 - 0.0) + std::sqrt(square) * (1.5 - -1.5)) / kToken;
    got += (push(both, samples, i, 1) - push(both, samples, i, 3)) / kToken;
    of_one += (push(alone, samples, i, 1) - push(alone, samples, i, 3)) / kToken;
  }
  EXPECT_NEAR(got, wanted, 0.1 * std::fabs(wanted));
  EXPECT_GT(std::fabs(of_one - wanted), 0.5 * std::fabs(wanted));
}

TEST(FitLayer, NothingHeldOutIsAnError) {
  RouterSamples samples = random_samples(1.0F, 6);
  std::fill(samples.is_held_out.begin(), samples.is_held_out.end(), 0);
  expect_error(ErrorKind::kInsufficient, "too few", [&] {
    (void)fit_layer(samples, mask_of(SigmaRule::kToken), 0, 1.0, {});
  });
}

}  // namespace
}  // namespace mascing
