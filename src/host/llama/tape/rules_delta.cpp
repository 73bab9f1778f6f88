// Linear attention by the gated delta rule. States are computed again, token by token; then their
// gradient is carried from the last token to the first.
#include <array>
#include <cmath>
#include <vector>

#include "base/numeric.h"
#include "host/llama/tape/rules.h"
#include "host/llama/tape/state_gradient.h"

namespace mascing {
namespace {

/// M' = M exp(g), M'' = M' + beta (v - M' k) k^T, o = M'' q / sqrt(n): rows by value, columns by
/// key. g is a number for each head or a row of n.
class GatedDelta {
 public:
  GatedDelta(const Tape& tape, const TapeTensor& node, const float* d_node)
      : d_node_(d_node),
        q_(tape.values(tape.source(node, kQ))),
        k_(tape.values(tape.source(node, kK))),
        v_(tape.values(tape.source(node, kV))),
        g_(tape.values(tape.source(node, kG))),
        beta_(tape.values(tape.source(node, kBeta))),
        state_(tape.values(tape.source(node, kState))),
        q_shape_(tape.source(node, kQ).shape),
        k_shape_(tape.source(node, kK).shape),
        n_(tape.source(node, kV).shape.ne[0]),
        n_head_(tape.source(node, kV).shape.ne[1]),
        n_token_(tape.source(node, kV).shape.ne[2]),
        n_sequence_(tape.source(node, kV).shape.ne[3]),
        n_gate_(tape.source(node, kG).shape.ne[0]),
        scale_(to_float(1.0 / std::sqrt(to_double(n_)))),
        last_(
            node, d_node, tape.source(node, kV).n_element(), tape.source(node, kState).n_element()),
        states_(n_token_ + 1, StateMatrix(n_, n_)),
        d_state_(n_, n_) {
    for (int64_t i = 0; i <= kState; ++i) {
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
    for (int64_t i = 0; i <= kState; ++i) {
      tape.add_gradient(tape.source(node, i), gradients_[i].data());
    }
  }

 private:
  static constexpr int kQ = 0;
  static constexpr int kK = 1;
  static constexpr int kV = 2;
  static constexpr int kG = 3;
  static constexpr int kBeta = 4;
  static constexpr int kState = 5;

  /// Where one head's values of one token begin in each source.
  struct Place {
    int64_t q, k, v, g, beta;
  };

  /// Queries and keys may have fewer heads and sequences, which several share.
  [[nodiscard]] int64_t shared_at(const ggml_tensor& shape,
                                  int64_t sequence,
                                  int64_t t,
                                  int64_t head) const {
    const int64_t row = sequence / (n_sequence_ / shape.ne[3]);
    return ((row * n_token_ + t) * shape.ne[1] + head % shape.ne[1]) * n_;
  }
  [[nodiscard]] Place place_of(int64_t sequence, int64_t t, int64_t head) const {
    const int64_t at = (sequence * n_token_ + t) * n_head_ + head;
    return {shared_at(q_shape_, sequence, t, head),
            shared_at(k_shape_, sequence, t, head),
            at * n_,
            at * n_gate_,
            at};
  }
  [[nodiscard]] Eigen::RowVectorXf decay_of(const Place& place) const {
    const Eigen::Map<const Eigen::RowVectorXf> gate(g_.data() + place.g, n_gate_);
    return n_gate_ == 1 ? Eigen::RowVectorXf::Constant(n_, std::exp(gate[0]))
                        : Eigen::RowVectorXf(gate.array().exp());
  }

  /// One head's, [0] before the first token.
  void compute_states(int64_t sequence, int64_t head) {
    states_[0] = ConstStateBlock(state_.data() + (sequence * n_head_ + head) * n_ * n_, n_, n_);
    for (int64_t t = 0; t < n_token_; ++t) {
      const Place place = place_of(sequence, t, head);
      const Values k(k_.data() + place.k, n_);
      const Values v(v_.data() + place.v, n_);
      states_[t + 1] = states_[t] * decay_of(place).asDiagonal();
      const Eigen::VectorXf rest = v - states_[t + 1] * k;
      states_[t + 1].noalias() += (beta_[place.beta] * rest) * k.transpose();
    }
  }

  void carry_back(int64_t sequence, int64_t head) {
    const int64_t first = (sequence * n_head_ + head) * n_ * n_;
    d_state_.setZero();
    for (int64_t t = n_token_ - 1; t >= 0; --t) {
      last_.add_to(d_state_, first, n_token_ - 1 - t);
      go_back(t, place_of(sequence, t, head));
    }
    StateBlock(gradients_[kState].data() + first, n_, n_) = d_state_;
  }

  void go_back(int64_t t, const Place& place) {
    const Values q(q_.data() + place.q, n_);
    const Values k(k_.data() + place.k, n_);
    const Values v(v_.data() + place.v, n_);
    const Eigen::VectorXf d_output = scale_ * Values(d_node_ + place.v, n_);
    const float beta = beta_[place.beta];
    const Eigen::RowVectorXf decay = decay_of(place);
    const StateMatrix shrunk = states_[t] * decay.asDiagonal();
    const Eigen::VectorXf rest = v - shrunk * k;
    d_state_.noalias() += d_output * q.transpose();
    const Eigen::VectorXf d_delta = d_state_ * k;
    const Eigen::VectorXf d_rest = beta * d_delta;
    Gradient d_k(gradients_[kK].data() + place.k, n_);
    Gradient(gradients_[kQ].data() + place.q, n_).noalias() +=
        states_[t + 1].transpose() * d_output;
    d_k.noalias() += beta * (d_state_.transpose() * rest);
    d_k.noalias() -= shrunk.transpose() * d_rest;
    Gradient(gradients_[kV].data() + place.v, n_) += d_rest;
    gradients_[kBeta][place.beta] += d_delta.dot(rest);
    d_state_.noalias() -= d_rest * k.transpose();
    const Eigen::VectorXf d_gate = d_state_.cwiseProduct(shrunk).colwise().sum();
    if (n_gate_ == 1) {
      gradients_[kG][place.g] += d_gate.sum();
    } else {
      Gradient(gradients_[kG].data() + place.g, n_) += d_gate;
    }
    d_state_ *= decay.asDiagonal();
  }

  const float* d_node_;
  Floats q_, k_, v_, g_, beta_, state_;
  const ggml_tensor& q_shape_;
  const ggml_tensor& k_shape_;
  int64_t n_, n_head_, n_token_, n_sequence_, n_gate_;
  float scale_;
  StateGradient last_;
  std::vector<StateMatrix> states_;
  StateMatrix d_state_;
  std::array<std::vector<float>, kState + 1> gradients_;  ///< by source
};

}  // namespace

void rule_gated_delta_net(Tape& tape, const TapeTensor& node, const float* d_node) {
  GatedDelta(tape, node, d_node).run(tape, node);
}

}  // namespace mascing
