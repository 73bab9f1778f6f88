// The operations one by one, against central differences in double.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "mascing/error.h"
#include "nn/adam.h"
#include "nn/layer_norm.h"
#include "nn/loss.h"
#include "nn/numeric.h"
#include "nn/prepared_weights.h"

namespace mascing::nn {
namespace {

constexpr double kOpsTolerance = 1e-6;

TEST(LayerNorm, GivesRowsOfMeanZeroAndVarianceOne) {
  for (const int64_t n : {3, 16, 21}) {  // with and without numbers beyond the last packet
    std::vector<double> x = random_values<double>(n, 1, 2.0);
    double mean = 0.0;
    double inv_std = 0.0;
    normalise_row<double>(x.data(), n, mean, inv_std);
    const ArrayMap<double> row(x.data(), n);
    EXPECT_NEAR(row.mean(), 0.0, 1e-12);
    EXPECT_NEAR(row.square().mean(), 1.0, 1e-4);
  }
}

TEST(LayerNorm, GivesTheSameBytesTheSecondTime) {
  const std::vector<float> z = random_values<float>(37, 2, 3.0);
  std::vector<float> first = z;
  std::vector<float> second = z;
  float mean = 0.0F;
  float inv_std = 0.0F;
  normalise_row<float>(first.data(), 37, mean, inv_std);
  normalise_row_again<float>(second.data(), 37, mean, inv_std);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, z);
}

TEST(LayerNorm, TurnsAConstantRowIntoZeros) {
  std::vector<float> x(8, 3.0F);
  float mean = 0.0F;
  float inv_std = 0.0F;
  normalise_row<float>(x.data(), 8, mean, inv_std);
  EXPECT_EQ(x, std::vector<float>(8, 0.0F));
  EXPECT_EQ(mean, 3.0F);
}

TEST(PreparedWeights, GiveLayerNormWithGainAndBiasThenLinearThenTheGates) {
  for (const SurrogateShape& shape : {SurrogateShape{2, 5, 3, 1}, SurrogateShape{2, 3, 5, 1}}) {
    const std::vector<double> values = random_values<double>(surrogate_size(shape), 8);
    PreparedWeights<double> weights(shape);
    weights.set(values.data());
    const std::vector<double> x_hat = random_values<double>(2 * shape.n_expert, 9);
    std::vector<double> x(weights.width());
    std::vector<double> gates(4);
    weights.features({x_hat.data(), shape.n_expert, 2}, x.data());
    weights.gates({x.data(), weights.width(), 1}, gates.data());
    const SurrogateView<const double> w = weights.view();
    for (int64_t j = 0; j < 4; ++j) {
      double expected = w.lstm_bias_ih[j] + w.lstm_bias_hh[j];
      for (int64_t i = 0; i < 2 * shape.n_proj; ++i) {
        const int64_t p = i % shape.n_proj;
        double projected = w.proj_bias[p];
        for (int64_t e = 0; e < shape.n_expert; ++e) {
          const double z = x_hat[i / shape.n_proj * shape.n_expert + e];
          projected += w.proj_weight[p * shape.n_expert + e] * (w.ln_gain[e] * z + w.ln_bias[e]);
        }
        expected += w.lstm_weight_ih[j * 2 * shape.n_proj + i] * projected;
      }
      EXPECT_NEAR(gates[j], expected, 1e-12);
    }
  }
}

TEST(BceWithLogits, StaysFiniteAndExactForLargeLogits) {
  EXPECT_DOUBLE_EQ(bce_with_logits(1000.0, 1.0), 0.0);
  EXPECT_DOUBLE_EQ(bce_with_logits(1000.0, 0.0), 1000.0);
  EXPECT_DOUBLE_EQ(bce_with_logits(-1000.0, 1.0), 1000.0);
  EXPECT_NEAR(bce_with_logits(0.0, 1.0), std::log(2.0), 1e-15);
  EXPECT_DOUBLE_EQ(sigmoid(-1000.0), 0.0);
  EXPECT_DOUBLE_EQ(sigmoid(1000.0), 1.0);
}

TEST(BceWithLogits, GradientMatchesFiniteDifferences) {
  for (const double label : {0.0, 1.0}) {
    for (const double logit : {-3.0, -0.1, 0.0, 0.7, 5.0}) {
      const double expected = finite_differences(
          {logit}, [&](const std::vector<double>& at) { return bce_with_logits(at[0], label); })[0];
      EXPECT_NEAR(d_bce_with_logits(logit, label), expected, 1e-9);
    }
  }
}

/// softmax of random logits, with one choice ruled out.
std::vector<double> random_probabilities(uint64_t seed) {
  std::vector<double> p = random_values<double>(9, seed, 2.0);
  double sum = 0.0;
  for (size_t i = 0; i < p.size(); ++i) {
    p[i] = i == 4 ? 0.0 : std::exp(p[i]);
    sum += p[i];
  }
  for (double& value : p) {
    value /= sum;
  }
  return p;
}

TEST(TiltDivergence, IsTheSumThatDefinesIt) {
  const std::vector<double> p = random_probabilities(10);
  const std::vector<double> s = random_values<double>(9, 11, 2.0);
  std::vector<double> q(9);
  double sum = 0.0;
  for (size_t i = 0; i < 9; ++i) {
    q[i] = p[i] * std::exp(0.7 * s[i]);
    sum += q[i];
  }
  double expected = 0.0;
  for (size_t i = 0; i < 9; ++i) {
    expected += i == 4 ? 0.0 : p[i] * std::log(p[i] / (q[i] / sum));
  }
  std::vector<double> d(9);
  EXPECT_NEAR(tilt_divergence<double>(p.data(), s.data(), 0.7, 9, d.data()), expected, 1e-12);
  EXPECT_GT(expected, 0.1);
}

TEST(TiltDivergence, GradientMatchesFiniteDifferences) {
  const std::vector<double> p = random_probabilities(10);
  const std::vector<double> s = random_values<double>(9, 11, 2.0);
  std::vector<double> d(9);
  std::vector<double> unused(9);
  static_cast<void>(tilt_divergence<double>(p.data(), s.data(), 0.7, 9, d.data()));
  const std::vector<double> expected = finite_differences(s, [&](const std::vector<double>& at) {
    return tilt_divergence<double>(p.data(), at.data(), 0.7, 9, unused.data());
  });
  EXPECT_LT(relative_error(d, expected), kOpsTolerance);
  EXPECT_EQ(d[4], 0.0);
}

TEST(TiltDivergence, IsZeroWithoutAChangeAndUnderACommonShift) {
  const std::vector<double> p = random_probabilities(12);
  std::vector<double> d(9);
  for (const double shift : {0.0, 500.0}) {
    const std::vector<double> s(9, shift);
    EXPECT_EQ(tilt_divergence<double>(p.data(), s.data(), 2.0, 9, d.data()), 0.0);
    EXPECT_EQ(d, std::vector<double>(9, 0.0));
  }
}

TEST(TiltDivergence, HoldsWhereTheExponentialLeavesTheRangeOfFloats) {
  for (const int64_t n : {3, 19}) {  // with and without whole packets
    std::vector<float> p(n, 0.0F);
    std::vector<float> s(n, 0.0F);
    p[0] = 0.5F;
    p[1] = 0.5F;
    s[1] = 20.0F;
    s[2] = 30.0F;  // a choice that is impossible
    std::vector<float> d(n);
    const double divergence = tilt_divergence<float>(p.data(), s.data(), 10.0F, n, d.data());
    EXPECT_NEAR(divergence, 100.0 + std::log(0.5), 1e-4);
    EXPECT_NEAR(d[0], -5.0, 1e-5);
    EXPECT_NEAR(d[1], 5.0, 1e-5);
    EXPECT_EQ(d[2], 0.0F);
  }
}

TEST(TiltDivergence, KeepsTheDigitsOfSmallOnesInFloat) {
  const std::vector<double> p = random_probabilities(13);
  std::vector<double> s = random_values<double>(9, 14, 1e-3);
  std::vector<double> d(9);
  const double expected = tilt_divergence<double>(p.data(), s.data(), 1.0, 9, d.data());
  const std::vector<float> p_float(p.begin(), p.end());
  const std::vector<float> s_float(s.begin(), s.end());
  std::vector<float> d_float(9);
  const double got =
      tilt_divergence<float>(p_float.data(), s_float.data(), 1.0F, 9, d_float.data());
  EXPECT_LT(expected, 1e-5);
  EXPECT_NEAR(got, expected, 2e-7);
  EXPECT_LT(relative_error(d_float, d), 1e-3);
}

TEST(Adam, FirstStepHasTheSizeOfTheLearningRate) {
  Adam<double> adam(3, {.learning_rate = 0.1});
  std::vector<double> values = {1.0, 1.0, 1.0};
  const std::vector<double> d_values = {1e-3, -50.0, 0.0};
  adam.step(d_values.data(), values.data());
  EXPECT_NEAR(values[0], 0.9, 1e-5);
  EXPECT_NEAR(values[1], 1.1, 1e-9);
  EXPECT_EQ(values[2], 1.0);
}

TEST(Adam, ProximalStepIsThePlainOneWithoutLambda) {
  Adam<double> plain(4, {.learning_rate = 0.1});
  Adam<double> proximal(4, {.learning_rate = 0.1});
  std::vector<double> a = random_values<double>(4, 20);
  std::vector<double> b = a;
  for (uint64_t step = 0; step < 5; ++step) {
    const std::vector<double> d = random_values<double>(4, 21 + step);
    plain.step(d.data(), a.data());
    proximal.proximal_step(d.data(), 0.0, b.data());
  }
  EXPECT_EQ(a, b);
}

TEST(Adam, ProximalStepDoesNotHideAGradientThatIsNoNumber) {
  Adam<float> adam(2, {.learning_rate = 0.1});
  std::vector<float> values(2, 0.5F);
  const std::vector<float> d = {std::numeric_limits<float>::quiet_NaN(), 1.0F};
  adam.proximal_step(d.data(), 0.01, values.data());
  EXPECT_TRUE(std::isnan(values[0])) << "a zero would pass for an entry that is not needed";
  EXPECT_NEAR(values[1], 0.399, 1e-4);
}

TEST(Adam, ProximalStepLeavesAtZeroWhatIsPulledByLessThanLambda) {
  Adam<double> adam(3, {.learning_rate = 0.1});
  std::vector<double> values(3, 0.0);
  const std::vector<double> d = {0.009, -0.009, 0.02};
  for (int step = 0; step < 20; ++step) {
    adam.proximal_step(d.data(), 0.01, values.data());
    EXPECT_EQ(values[0], 0.0);
    EXPECT_EQ(values[1], 0.0);
  }
  EXPECT_LT(values[2], -0.5);
}

TEST(Adam, ProximalStepsEndWhereTheGradientBalancesLambda) {
  // (x - 3)^2 / 2 + 0.5 |x| has its minimum at 2.5, (x - 0.3)^2 / 2 + 0.5 |x| at 0.
  Adam<double> adam(2, {.learning_rate = 0.05});
  std::vector<double> x = {0.0, 1.0};
  for (int step = 0; step < 2000; ++step) {
    const std::vector<double> d = {x[0] - 3.0, x[1] - 0.3};
    adam.proximal_step(d.data(), 0.5, x.data());
  }
  EXPECT_NEAR(x[0], 2.5, 1e-3);
  EXPECT_EQ(x[1], 0.0);
}

TEST(SurrogateTensors, LieOneAfterTheOtherInTheDocumentedOrder) {
  const SurrogateShape shape = {3, 8, 4, 5};
  const std::vector<TensorSpec> tensors = surrogate_tensors(shape);
  ASSERT_EQ(tensors.size(), 10U);
  EXPECT_EQ(tensors[4].name, "lstm_weight_ih");
  EXPECT_EQ(tensors[4].dims, (std::vector<int64_t>{20, 12}));
  int64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    EXPECT_EQ(tensor.offset, offset) << tensor.name;
    offset += tensor.size;
  }
  EXPECT_EQ(offset, surrogate_size(shape));
  EXPECT_EQ(offset, 8 + 8 + 32 + 4 + 240 + 100 + 20 + 20 + 5 + 1);
}

TEST(SurrogateTensors, RefuseImpossibleSizes) {
  EXPECT_THROW(static_cast<void>(surrogate_size({0, 8, 4, 5})), Error);
  EXPECT_THROW(static_cast<void>(surrogate_size({3, -1, 4, 5})), Error);
  EXPECT_THROW(static_cast<void>(surrogate_size({int64_t{1} << 20, 8, int64_t{1} << 20, 64})),
               Error);
  EXPECT_THROW(static_cast<void>(surrogate_size({3, 8, 4, int64_t{1} << 40})), Error);
}

TEST(InitialSurrogate, FollowsPyTorchsDefaultRanges) {
  const SurrogateShape shape = {4, 16, 8, 25};
  const std::vector<float> values = initial_surrogate(shape, 3);
  for (const TensorSpec& tensor : surrogate_tensors(shape)) {
    const auto [low, high] = std::minmax_element(values.begin() + tensor.offset,
                                                 values.begin() + tensor.offset + tensor.size);
    if (tensor.name == "ln_gain" || tensor.name == "ln_bias") {
      EXPECT_EQ(*low, tensor.name == "ln_gain" ? 1.0F : 0.0F);
      EXPECT_EQ(*low, *high);
      continue;
    }
    const float bound = tensor.name.starts_with("proj") ? 0.25F : 0.2F;
    EXPECT_GE(*low, -bound) << tensor.name;
    EXPECT_LE(*high, bound) << tensor.name;
    if (tensor.size > 50) {
      EXPECT_LT(*low, -0.9F * bound) << tensor.name;
      EXPECT_GT(*high, 0.9F * bound) << tensor.name;
    }
  }
  EXPECT_EQ(values, initial_surrogate(shape, 3));
  EXPECT_NE(values, initial_surrogate(shape, 4));
}

TEST(CheckSurrogate, RefusesAWrongNumberOfValuesAndNaN) {
  Surrogate surrogate = {{2, 3, 2, 2}, initial_surrogate({2, 3, 2, 2}, 1)};
  EXPECT_NO_THROW(check_surrogate(surrogate));
  surrogate.values[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(check_surrogate(surrogate), Error);
  surrogate.values.pop_back();
  EXPECT_THROW(check_surrogate(surrogate), Error);
}

}  // namespace
}  // namespace mascing::nn
