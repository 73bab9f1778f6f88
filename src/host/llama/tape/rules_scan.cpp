// State-space models: the convolution along the tokens and the selective scan.
#include <array>
#include <vector>

#include "host/llama/tape/functions.h"
#include "host/llama/tape/recurrence.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

/// What the rule of the scan reads; A is a weight and has no gradient.
enum ScanSource { kS, kX, kDt, kA, kB, kC, kRows };
constexpr std::array kWithGradient = {kS, kX, kDt, kB, kC};

RecurrenceSizes sizes_of_scan(const Tape& tape, const TapeTensor& node) {
  const ggml_tensor& x = tape.source(node, kX).shape;
  return {x.ne[0], tape.source(node, kS).shape.ne[0], x.ne[1], x.ne[2], x.ne[3]};
}

/// S' = S exp(A dt) + x dt B^T, y = S' C, with dt behind softplus: rows by the head's dimension,
/// columns by state. A is a number for each head or a row of n_state.
class SelectiveScan : public Recurrence {
 public:
  SelectiveScan(const Tape& tape, const TapeTensor& node, const float* d_node, const Floats& s)
      : Recurrence(node, d_node, tape.source(node, kX).n_element(), s, sizes_of_scan(tape, node)),
        d_node_(d_node),
        x_(tape.values(tape.source(node, kX))),
        dt_(tape.values(tape.source(node, kDt))),
        a_(tape.values(tape.source(node, kA))),
        b_(tape.values(tape.source(node, kB))),
        c_(tape.values(tape.source(node, kC))),
        rows_(tape.integers(tape.source(node, kRows))),
        sizes_(sizes_of_scan(tape, node)),
        n_group_(tape.source(node, kB).shape.ne[1]),
        n_decay_(tape.source(node, kA).shape.ne[0]) {
    for (const ScanSource i : kWithGradient) {
      gradients_[i].resize(tape.source(node, i).n_element());
    }
  }

  void hand_on(Tape& tape, const TapeTensor& node) {
    run(gradients_[kS]);
    for (const ScanSource i : kWithGradient) {
      tape.add_gradient(tape.source(node, i), gradients_[i].data());
    }
  }

 private:
  [[nodiscard]] int64_t row_of(int64_t sequence) const override { return rows_[sequence]; }
  /// Where B and C of a head begin, which the heads of a group share.
  [[nodiscard]] int64_t group_at(const RecurrencePlace& place) const {
    const int64_t token = place.sequence * sizes_.n_token + place.t;
    return (token * n_group_ + place.head / (sizes_.n_head / n_group_)) * sizes_.n_column;
  }
  [[nodiscard]] Eigen::RowVectorXf log_decay(int64_t head) const {
    const int64_t n = sizes_.n_column;
    return n_decay_ == 1
               ? Eigen::RowVectorXf::Constant(n, a_[head])
               : Eigen::RowVectorXf(Eigen::Map<const Eigen::RowVectorXf>(a_.data() + head * n, n));
  }
  [[nodiscard]] Values x_at(const RecurrencePlace& place) const {
    return {x_.data() + place.at * sizes_.n_row, sizes_.n_row};
  }

  void advance(const RecurrencePlace& place,
               const StateMatrix& before,
               StateMatrix& after) override {
    const float step = softplus(dt_[place.at]).value;
    const Eigen::RowVectorXf decay = (log_decay(place.head) * step).array().exp();
    const Values b(b_.data() + group_at(place), sizes_.n_column);
    after = before * decay.asDiagonal();
    after.noalias() += (step * x_at(place)) * b.transpose();
  }

  void go_back(const RecurrencePlace& place,
               const StateMatrix& before,
               const StateMatrix& after,
               StateMatrix& d_state) override {
    const int64_t group = group_at(place);
    const int64_t n_state = sizes_.n_column;
    const Values x = x_at(place);
    const Values b(b_.data() + group, n_state);
    const Values c(c_.data() + group, n_state);
    const Values d_y(d_node_ + place.at * sizes_.n_row, sizes_.n_row);
    const auto [step, d_softplus] = softplus(dt_[place.at]);
    const Eigen::RowVectorXf a = log_decay(place.head);
    const Eigen::RowVectorXf decay = (a * step).array().exp();
    d_state.noalias() += d_y * c.transpose();
    Gradient(gradients_[kC].data() + group, n_state).noalias() += after.transpose() * d_y;
    Gradient(gradients_[kB].data() + group, n_state).noalias() += step * (d_state.transpose() * x);
    const Eigen::VectorXf d_input = d_state * b;
    Gradient(gradients_[kX].data() + place.at * sizes_.n_row, sizes_.n_row) += step * d_input;
    d_state *= decay.asDiagonal();
    const float d_step = d_input.dot(x) + d_state.cwiseProduct(before).colwise().sum().dot(a);
    gradients_[kDt][place.at] += d_step * d_softplus;
  }

  const float* d_node_;
  Floats x_, dt_, a_, b_, c_;
  std::vector<int64_t> rows_;  ///< of the memory, by sequence
  RecurrenceSizes sizes_;
  int64_t n_group_, n_decay_;
  std::array<std::vector<float>, kRows> gradients_;  ///< by source; none of A
};

}  // namespace

// y[c, t] = sum_k x[t + k, c] w[k, c]; in front of the tokens lie those before them.
void rule_ssm_conv(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const TapeTensor& kernel = tape.source(node, 1);
  const Floats weights = tape.values(kernel);
  const int64_t n_kernel = kernel.shape.ne[0];
  const int64_t n_channel = node.shape.ne[0];
  const int64_t n_token = node.shape.ne[1];
  std::vector<float> d_source(source.n_element());
  for (int64_t i = 0; i < node.n_element(); ++i) {
    const int64_t channel = i % n_channel;
    const int64_t t = i / n_channel % n_token;
    const int64_t sequence = i / (n_channel * n_token);
    float* to = d_source.data() + (sequence * n_channel + channel) * source.shape.ne[0] + t;
    for (int64_t k = 0; k < n_kernel; ++k) {
      to[k] += d_node[i] * weights[channel * n_kernel + k];
    }
  }
  tape.add_gradient(source, d_source.data());
}

void rule_ssm_scan(Tape& tape, const TapeTensor& node, const float* d_node) {
  const Floats s = tape.values(tape.source(node, kS));
  SelectiveScan(tape, node, d_node, s).hand_on(tape, node);
}

}  // namespace mascing
