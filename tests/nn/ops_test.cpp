// The operations one by one, against central differences in double.
#include <numeric>

#include <gtest/gtest.h>

#include "mascing/error.h"
#include "nn/adam.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/loss.h"
#include "nn/metric.h"
#include "nn/numeric.h"
#include "nn/parallel.h"
#include "nn/projection.h"

namespace mascing::nn {
namespace {

constexpr double kTolerance = 1e-6;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Layer normalisation of n_row rows, each number weighted and summed.
double normalised_sum(std::vector<double> x, int64_t n_row, const std::vector<double>& weight) {
  const auto n_col = static_cast<int64_t>(x.size()) / n_row;
  std::vector<double> inv_std(n_row);
  normalise_rows<double>(MatrixMap<double>(x.data(), n_row, n_col),
                         VectorMap<double>(inv_std.data(), n_row));
  return dot(x, weight);
}

TEST(LayerNorm, GivesRowsOfMeanZeroAndVarianceOne) {
  std::vector<double> x = random_values<double>(48, 1, 2.0);
  std::vector<double> inv_std(3);
  normalise_rows<double>(MatrixMap<double>(x.data(), 3, 16), VectorMap<double>(inv_std.data(), 3));
  for (int64_t i = 0; i < 3; ++i) {
    const ArrayMap<double> row(x.data() + 16 * i, 16);
    EXPECT_NEAR(row.mean(), 0.0, 1e-12);
    EXPECT_NEAR(row.square().mean(), 1.0, 1e-4);
  }
}

TEST(LayerNorm, TurnsAConstantRowIntoZeros) {
  std::vector<float> x(8, 3.0F);
  std::vector<float> inv_std(1);
  normalise_rows<float>(MatrixMap<float>(x.data(), 1, 8), VectorMap<float>(inv_std.data(), 1));
  EXPECT_EQ(x, std::vector<float>(8, 0.0F));
}

TEST(LayerNormBackward, MatchesFiniteDifferences) {
  const std::vector<double> x = random_values<double>(28, 2);
  std::vector<double> d = random_values<double>(28, 3);
  const std::vector<double> expected = finite_differences(
      x, [&, weight = d](const std::vector<double>& at) { return normalised_sum(at, 4, weight); });
  std::vector<double> x_hat = x;
  std::vector<double> inv_std(4);
  normalise_rows<double>(MatrixMap<double>(x_hat.data(), 4, 7),
                         VectorMap<double>(inv_std.data(), 4));
  normalise_rows_backward<double>(ConstMatrixMap<double>(x_hat.data(), 4, 7),
                                  ConstVectorMap<double>(inv_std.data(), 4),
                                  MatrixMap<double>(d.data(), 4, 7));
  EXPECT_LT(relative_error(d, expected), kTolerance);
}

class LinearBackward : public testing::Test {
 protected:
  static constexpr int64_t kRows = 5;
  static constexpr int64_t kIn = 3;
  static constexpr int64_t kOut = 4;

  static double weighted_sum(const std::vector<double>& x,
                             const std::vector<double>& weight,
                             const std::vector<double>& bias,
                             const std::vector<double>& d_y) {
    std::vector<double> y(kRows * kOut);
    linear_forward<double>(ConstMatrixMap<double>(x.data(), kRows, kIn),
                           ConstMatrixMap<double>(weight.data(), kOut, kIn),
                           ConstVectorMap<double>(bias.data(), kOut),
                           MatrixMap<double>(y.data(), kRows, kOut));
    return dot(y, d_y);
  }

  std::vector<double> x_ = random_values<double>(kRows * kIn, 4);
  std::vector<double> weight_ = random_values<double>(kOut * kIn, 5);
  std::vector<double> bias_ = random_values<double>(kOut, 6);
  std::vector<double> d_y_ = random_values<double>(kRows * kOut, 7);
};

TEST_F(LinearBackward, MatchesFiniteDifferencesInWeightAndBias) {
  std::vector<double> d_weight(kOut * kIn, 0.0);
  std::vector<double> d_bias(kOut, 0.0);
  linear_backward_weight<double>(ConstMatrixMap<double>(x_.data(), kRows, kIn),
                                 ConstMatrixMap<double>(d_y_.data(), kRows, kOut),
                                 MatrixMap<double>(d_weight.data(), kOut, kIn),
                                 VectorMap<double>(d_bias.data(), kOut));
  EXPECT_LT(relative_error(d_weight,
                           finite_differences(weight_,
                                              [&](const std::vector<double>& at) {
                                                return weighted_sum(x_, at, bias_, d_y_);
                                              })),
            kTolerance);
  EXPECT_LT(relative_error(d_bias,
                           finite_differences(bias_,
                                              [&](const std::vector<double>& at) {
                                                return weighted_sum(x_, weight_, at, d_y_);
                                              })),
            kTolerance);
}

TEST_F(LinearBackward, MatchesFiniteDifferencesInTheInputAndMayOverwriteIt) {
  const std::vector<double> expected = finite_differences(
      x_, [&](const std::vector<double>& at) { return weighted_sum(at, weight_, bias_, d_y_); });
  linear_backward_input<double>(ConstMatrixMap<double>(weight_.data(), kOut, kIn),
                                ConstMatrixMap<double>(d_y_.data(), kRows, kOut),
                                MatrixMap<double>(x_.data(), kRows, kIn));
  EXPECT_LT(relative_error(x_, expected), kTolerance);
}

TEST(ProjectionFolding, GivesLayerNormWithGainAndBiasThenLinear) {
  const SurrogateShape shape = {1, 5, 3, 1};
  const std::vector<double> values = random_values<double>(surrogate_size(shape), 8);
  const SurrogateView<const double> weights(shape, values.data());
  std::vector<double> z = random_values<double>(10, 9);
  std::vector<double> inv_std(2);
  std::vector<double> x(6);
  Projection<double> projection(shape);
  projection.set_weights(weights);
  projection.forward(MatrixMap<double>(z.data(), 2, 5),
                     VectorMap<double>(inv_std.data(), 2),
                     MatrixMap<double>(x.data(), 2, 3));
  std::vector<double> expected;
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t p = 0; p < 3; ++p) {
      double sum = weights.proj_bias[p];
      for (int64_t e = 0; e < 5; ++e) {
        sum += weights.proj_weight[p * 5 + e] * (weights.ln_gain[e] * z[row * 5 + e] +
                                                 weights.ln_bias[e]);  // z is normalised by now
      }
      expected.push_back(sum);
    }
  }
  EXPECT_LT(relative_error(x, expected), 1e-12);
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

TEST(SoftmaxDivergence, GradientMatchesFiniteDifferences) {
  const std::vector<double> z = random_values<double>(9, 10, 2.0);
  const std::vector<double> steered = random_values<double>(9, 11, 2.0);
  std::vector<double> d(9);
  std::vector<double> unused(9);
  EXPECT_GT(softmax_divergence<double>(z.data(), steered.data(), 9, d.data()), 0.0);
  const std::vector<double> expected =
      finite_differences(steered, [&](const std::vector<double>& at) {
        return softmax_divergence<double>(z.data(), at.data(), 9, unused.data());
      });
  EXPECT_LT(relative_error(d, expected), kTolerance);
}

TEST(SoftmaxDivergence, IsZeroWithoutAChangeAndIgnoresACommonShift) {
  const std::vector<double> z = random_values<double>(9, 12);
  std::vector<double> shifted = z;
  for (double& value : shifted) {
    value += 500.0;
  }
  std::vector<double> d(9);
  EXPECT_EQ(softmax_divergence<double>(z.data(), z.data(), 9, d.data()), 0.0);
  EXPECT_EQ(d, std::vector<double>(9, 0.0));
  EXPECT_NEAR(softmax_divergence<double>(z.data(), shifted.data(), 9, d.data()), 0.0, 1e-12);
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

TEST(RankAuc, CountsPairsAndHalvesTies) {
  EXPECT_DOUBLE_EQ(rank_auc({0.1, 0.2, 0.3, 0.4}, {0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(rank_auc({0.4, 0.3, 0.2, 0.1}, {0, 0, 1, 1}), 0.0);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 1.0, 1.0, 1.0}, {0, 1, 0, 1}), 0.5);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 2.0, 2.0, 3.0}, {0, 1, 0, 1}), 0.875);
  EXPECT_DOUBLE_EQ(rank_auc({1.0, 2.0}, {1, 1}), 0.5);
}

TEST(RunParts, RunsEachPartOnceAndRethrowsTheLowestError) {
  std::vector<int> n_call(4, 0);
  run_parts(4, [&](int64_t i_part) { ++n_call[i_part]; });
  EXPECT_EQ(n_call, std::vector<int>(4, 1));
  try {
    run_parts(4, [](int64_t i_part) {
      if (i_part > 1) {
        throw Error(ErrorKind::kUsage, std::to_string(i_part));
      }
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "2");
  }
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
