// The LSTM over ragged sequences, against central differences in double.
#include "nn/lstm.h"

#include <numeric>

#include <gtest/gtest.h>

#include "nn/numeric.h"

namespace mascing::nn {
namespace {

constexpr int64_t kHidden = 4;
constexpr int64_t kGates = 4 * kHidden;
constexpr double kTolerance = 1e-6;

class LstmBackward : public testing::TestWithParam<std::vector<int64_t>> {
 protected:
  /// The last states, weighted and summed, for the input's share of the gates and weight_hh.
  double weighted_last(Lstm<double>& lstm,
                       const std::vector<double>& input,
                       const std::vector<double>& weight) const {
    PackedMatrix<double> recurrent;
    recurrent.pack(weight.data(), 1, kHidden, kHidden, kGates);
    std::copy(input.begin(), input.end(), lstm.reserve(layout_).data());
    std::vector<double> last(d_last_.size());
    lstm.forward(layout_, recurrent, MatrixMap<double>(last.data(), layout_.n_sequence, kHidden));
    return std::inner_product(last.begin(), last.end(), d_last_.begin(), 0.0);
  }
  [[nodiscard]] double weighted_last(const std::vector<double>& input,
                                     const std::vector<double>& weight) const {
    Lstm<double> lstm(kHidden);
    return weighted_last(lstm, input, weight);
  }

  RaggedLayout layout_ = pack_sequences(GetParam().data(), static_cast<int64_t>(GetParam().size()));
  std::vector<double> weight_ = random_values<double>(kGates * kHidden, 1, 0.5);
  std::vector<double> input_ = random_values<double>(layout_.n_row * kGates, 2);
  std::vector<double> d_last_ = random_values<double>(layout_.n_sequence * kHidden, 3);
};

TEST_P(LstmBackward, MatchesFiniteDifferences) {
  Lstm<double> lstm(kHidden);
  static_cast<void>(weighted_last(lstm, input_, weight_));
  PackedMatrix<double> backward;
  backward.pack(weight_.data(), kHidden, 1, kGates, kHidden);
  lstm.backward(
      layout_, backward, ConstMatrixMap<double>(d_last_.data(), layout_.n_sequence, kHidden));
  const MatrixMap<double> d_gates = lstm.gates();
  const MatrixMap<double> previous = lstm.previous_states(layout_);
  RowMatrix<double> d_weight(kGates, kHidden);
  d_weight = d_gates.bottomRows(layout_.n_row - layout_.n_sequence).transpose() * previous;
  const std::vector<double> expected_weight = finite_differences(
      weight_, [&](const std::vector<double>& at) { return weighted_last(input_, at); });
  const std::vector<double> expected_input = finite_differences(
      input_, [&](const std::vector<double>& at) { return weighted_last(at, weight_); });
  EXPECT_LT(relative_error(d_gates.data(), expected_input.data(), expected_input.size()),
            kTolerance);
  EXPECT_LT(relative_error(d_weight.data(), expected_weight.data(), expected_weight.size()),
            kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Lengths,
                         LstmBackward,
                         testing::Values(std::vector<int64_t>{1},
                                         std::vector<int64_t>{5},
                                         std::vector<int64_t>{1, 1, 1},
                                         std::vector<int64_t>{2, 6, 1, 3, 6}));

}  // namespace
}  // namespace mascing::nn
