// State-space models: the convolution along the tokens and the selective scan. States are computed
// again, token by token; then their gradient is carried from the last token to the first.
#include <array>
#include <cmath>
#include <vector>

#include "host/llama/tape/functions.h"
#include "host/llama/tape/rules.h"
#include "host/llama/tape/state_gradient.h"

namespace mascing {
namespace {

/// S' = S exp(A dt) + x dt B^T, y = S' C, with dt behind softplus: rows by the head's dimension,
/// columns by state. A, a weight, is a number for each head or a row of n_state.
class SelectiveScan {
 public:
  SelectiveScan(const Tape& tape, const TapeTensor& node, const float* d_node)
      : d_node_(d_node),
        s_(tape.values(tape.source(node, kS))),
        x_(tape.values(tape.source(node, kX))),
        dt_(tape.values(tape.source(node, kDt))),
        a_(tape.values(tape.source(node, kA))),
        b_(tape.values(tape.source(node, kB))),
        c_(tape.values(tape.source(node, kC))),
        rows_(tape.integers(tape.source(node, kC + 1))),
        n_state_(tape.source(node, kS).shape.ne[0]),
        n_dim_(tape.source(node, kX).shape.ne[0]),
        n_head_(tape.source(node, kX).shape.ne[1]),
        n_token_(tape.source(node, kX).shape.ne[2]),
        n_sequence_(tape.source(node, kX).shape.ne[3]),
        n_group_(tape.source(node, kB).shape.ne[1]),
        n_decay_(tape.source(node, kA).shape.ne[0]),
        last_(node,
              d_node,
              tape.source(node, kX).n_element(),
              n_dim_ * n_state_ * n_head_ * n_sequence_),
        states_(n_token_ + 1, StateMatrix(n_dim_, n_state_)),
        d_state_(n_dim_, n_state_) {
    for (const int i : kGradients) {
      gradients_[i].resize(tape.source(node, i).n_element());
    }
  }

  void run(Tape& tape, const TapeTensor& node) {
    for (int64_t sequence = 0; sequence < n_sequence_; ++sequence) {
      for (int64_t head = 0; head < n_head_; ++head) {
        compute_states(sequence, head);
        carry_back(sequence, head);
      }
    }
    for (const int i : kGradients) {
      tape.add_gradient(tape.source(node, i), gradients_[i].data());
    }
  }

 private:
  static constexpr int kS = 0;
  static constexpr int kX = 1;
  static constexpr int kDt = 2;
  static constexpr int kA = 3;
  static constexpr int kB = 4;
  static constexpr int kC = 5;
  static constexpr std::array kGradients = {kS, kX, kDt, kB, kC};

  /// Of a head's dt at a token.
  [[nodiscard]] int64_t step_at(int64_t sequence, int64_t t, int64_t head) const {
    return (sequence * n_token_ + t) * n_head_ + head;
  }
  /// Where B and C of a head begin, which the heads of a group share.
  [[nodiscard]] int64_t group_at(int64_t sequence, int64_t t, int64_t head) const {
    return ((sequence * n_token_ + t) * n_group_ + head / (n_head_ / n_group_)) * n_state_;
  }
  [[nodiscard]] int64_t memory_at(int64_t sequence, int64_t head) const {
    return (rows_[sequence] * n_head_ + head) * n_dim_ * n_state_;
  }
  [[nodiscard]] Eigen::RowVectorXf log_decay(int64_t head) const {
    return n_decay_ == 1 ? Eigen::RowVectorXf::Constant(n_state_, a_[head])
                         : Eigen::RowVectorXf(Eigen::Map<const Eigen::RowVectorXf>(
                               a_.data() + head * n_state_, n_state_));
  }

  /// One head's, [0] before the first token.
  void compute_states(int64_t sequence, int64_t head) {
    states_[0] = ConstStateBlock(s_.data() + memory_at(sequence, head), n_dim_, n_state_);
    const Eigen::RowVectorXf a = log_decay(head);
    for (int64_t t = 0; t < n_token_; ++t) {
      const int64_t at = step_at(sequence, t, head);
      const float step = softplus(dt_[at]).value;
      const Eigen::RowVectorXf decay = (a * step).array().exp();
      const Values x(x_.data() + at * n_dim_, n_dim_);
      const Values b(b_.data() + group_at(sequence, t, head), n_state_);
      states_[t + 1] = states_[t] * decay.asDiagonal();
      states_[t + 1].noalias() += (step * x) * b.transpose();
    }
  }

  void carry_back(int64_t sequence, int64_t head) {
    const int64_t n_cell = n_dim_ * n_state_;
    d_state_.setZero();
    for (int64_t t = n_token_ - 1; t >= 0; --t) {
      last_.add_to(d_state_, (sequence * n_head_ + head) * n_cell, n_token_ - 1 - t);
      go_back(t, step_at(sequence, t, head), group_at(sequence, t, head), log_decay(head));
    }
    StateBlock(gradients_[kS].data() + memory_at(sequence, head), n_dim_, n_state_) += d_state_;
  }

  /// `at`: of dt; `group`: of B and C.
  void go_back(int64_t t, int64_t at, int64_t group, const Eigen::RowVectorXf& a) {
    const Values x(x_.data() + at * n_dim_, n_dim_);
    const Values b(b_.data() + group, n_state_);
    const Values c(c_.data() + group, n_state_);
    const Values d_y(d_node_ + at * n_dim_, n_dim_);
    const float step = softplus(dt_[at]).value;
    const Eigen::RowVectorXf decay = (a * step).array().exp();
    d_state_.noalias() += d_y * c.transpose();
    Gradient(gradients_[kC].data() + group, n_state_).noalias() += states_[t + 1].transpose() * d_y;
    Gradient(gradients_[kB].data() + group, n_state_).noalias() +=
        step * (d_state_.transpose() * x);
    const Eigen::VectorXf d_input = d_state_ * b;
    Gradient(gradients_[kX].data() + at * n_dim_, n_dim_) += step * d_input;
    d_state_ *= decay.asDiagonal();
    const float d_step = d_input.dot(x) + d_state_.cwiseProduct(states_[t]).colwise().sum().dot(a);
    gradients_[kDt][at] += d_step * softplus(dt_[at]).slope;
  }

  const float* d_node_;
  Floats s_, x_, dt_, a_, b_, c_;
  std::vector<int64_t> rows_;  ///< of the memory, by sequence
  int64_t n_state_, n_dim_, n_head_, n_token_, n_sequence_, n_group_, n_decay_;
  StateGradient last_;
  std::vector<StateMatrix> states_;
  StateMatrix d_state_;
  std::array<std::vector<float>, kC + 1> gradients_;  ///< by source; none of A
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
  SelectiveScan(tape, node, d_node).run(tape, node);
}

}  // namespace mascing
