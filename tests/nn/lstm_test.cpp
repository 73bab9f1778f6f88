// The LSTM over ragged sequences, against central differences in double.
#include "nn/lstm.h"

#include <numeric>

#include <gtest/gtest.h>

#include "nn/numeric.h"

namespace mascing::nn {
namespace {

constexpr int64_t kInput = 3;
constexpr int64_t kHidden = 4;
constexpr double kTolerance = 1e-6;

/// weight_ih, weight_hh, bias_ih, bias_hh in one vector.
constexpr int64_t kSizes[] = {4 * kHidden * kInput, 4 * kHidden* kHidden, 4 * kHidden, 4 * kHidden};

template <typename Pointer>
LstmTensors<std::remove_pointer_t<Pointer>> tensors_in(Pointer values) {
  return {values,
          values + kSizes[0],
          values + kSizes[0] + kSizes[1],
          values + kSizes[0] + kSizes[1] + kSizes[2]};
}

class LstmBackward : public testing::TestWithParam<std::vector<int64_t>> {
 protected:
  [[nodiscard]] double weighted_last(const std::vector<double>& weights,
                                     const std::vector<double>& x) const {
    Lstm<double> lstm(kInput, kHidden);
    std::vector<double> last(d_last_.size());
    lstm.forward(layout_,
                 tensors_in(weights.data()),
                 ConstMatrixMap<double>(x.data(), layout_.n_row, kInput),
                 MatrixMap<double>(last.data(), layout_.n_sequence, kHidden));
    return std::inner_product(last.begin(), last.end(), d_last_.begin(), 0.0);
  }

  RaggedLayout layout_ = pack_sequences(GetParam().data(), static_cast<int64_t>(GetParam().size()));
  std::vector<double> weights_ =
      random_values<double>(kSizes[0] + kSizes[1] + kSizes[2] + kSizes[3], 1, 0.5);
  std::vector<double> x_ = random_values<double>(layout_.n_row * kInput, 2);
  std::vector<double> d_last_ = random_values<double>(layout_.n_sequence * kHidden, 3);
};

TEST_P(LstmBackward, MatchesFiniteDifferences) {
  Lstm<double> lstm(kInput, kHidden);
  const ConstMatrixMap<double> x(x_.data(), layout_.n_row, kInput);
  const auto weights = tensors_in<const double*>(weights_.data());
  std::vector<double> last(d_last_.size());
  std::vector<double> d_weights(weights_.size(), 0.0);
  std::vector<double> d_x(x_.size());
  lstm.forward(layout_, weights, x, MatrixMap<double>(last.data(), layout_.n_sequence, kHidden));
  lstm.backward(
      layout_, weights, ConstMatrixMap<double>(d_last_.data(), layout_.n_sequence, kHidden));
  lstm.backward_weight(layout_, x, tensors_in(d_weights.data()));
  lstm.backward_input(weights, MatrixMap<double>(d_x.data(), layout_.n_row, kInput));
  const std::vector<double> expected_weights = finite_differences(
      weights_, [&](const std::vector<double>& at) { return weighted_last(at, x_); });
  const std::vector<double> expected_x = finite_differences(
      x_, [&](const std::vector<double>& at) { return weighted_last(weights_, at); });
  int64_t at = 0;
  for (const int64_t size : kSizes) {
    EXPECT_LT(relative_error(d_weights.data() + at, expected_weights.data() + at, size),
              kTolerance);
    at += size;
  }
  EXPECT_LT(relative_error(d_x, expected_x), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Lengths,
                         LstmBackward,
                         testing::Values(std::vector<int64_t>{1},
                                         std::vector<int64_t>{5},
                                         std::vector<int64_t>{1, 1, 1},
                                         std::vector<int64_t>{2, 6, 1, 3, 6}));

}  // namespace
}  // namespace mascing::nn
