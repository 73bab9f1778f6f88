// Linear attention by the gated delta rule.
#include <array>
#include <cmath>
#include <vector>

#include "base/numeric.h"
#include "host/llama/tape/recurrence.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

enum DeltaSource { kQ, kK, kV, kG, kBeta, kState, kSources };

RecurrenceSizes sizes_of_delta(const ggml_tensor& v) {
  return {v.ne[0], v.ne[0], v.ne[1], v.ne[2], v.ne[3]};
}

/// M' = M exp(g), M'' = M' + beta (v - M' k) k^T, o = M'' q / sqrt(n): rows by value, columns by
/// key. g is a number for each head or a row of n.
class GatedDelta : public Recurrence {
 public:
  GatedDelta(const Tape& tape, const TapeTensor& node, const float* d_node, const Floats& state)
      : Recurrence(node,
                   d_node,
                   tape.source(node, kV).n_element(),
                   state,
                   sizes_of_delta(tape.source(node, kV).shape)),
        d_node_(d_node),
        q_(tape.values(tape.source(node, kQ))),
        k_(tape.values(tape.source(node, kK))),
        v_(tape.values(tape.source(node, kV))),
        g_(tape.values(tape.source(node, kG))),
        beta_(tape.values(tape.source(node, kBeta))),
        q_shape_(tape.source(node, kQ).shape),
        k_shape_(tape.source(node, kK).shape),
        sizes_(sizes_of_delta(tape.source(node, kV).shape)),
        n_(sizes_.n_row),
        n_gate_(tape.source(node, kG).shape.ne[0]),
        scale_(to_float(1.0 / std::sqrt(to_double(n_)))) {
    for (int64_t i = 0; i < kSources; ++i) {
      gradients_[i].resize(tape.source(node, i).n_element());
    }
  }

  void hand_on(Tape& tape, const TapeTensor& node) {
    run(gradients_[kState]);
    for (int64_t i = 0; i < kSources; ++i) {
      tape.add_gradient(tape.source(node, i), gradients_[i].data());
    }
  }

 private:
  [[nodiscard]] int64_t row_of(int64_t sequence) const override { return sequence; }
  /// Queries and keys may have fewer heads and sequences, which several share.
  [[nodiscard]] int64_t shared_at(const ggml_tensor& shape, const RecurrencePlace& place) const {
    const int64_t row = place.sequence / (sizes_.n_sequence / shape.ne[3]);
    return ((row * sizes_.n_token + place.t) * shape.ne[1] + place.head % shape.ne[1]) * n_;
  }
  [[nodiscard]] Values k_at(const RecurrencePlace& place) const {
    return {k_.data() + shared_at(k_shape_, place), n_};
  }
  [[nodiscard]] Values v_at(const RecurrencePlace& place) const {
    return {v_.data() + place.at * n_, n_};
  }
  [[nodiscard]] Eigen::RowVectorXf decay_at(const RecurrencePlace& place) const {
    const Eigen::Map<const Eigen::RowVectorXf> gate(g_.data() + place.at * n_gate_, n_gate_);
    return n_gate_ == 1 ? Eigen::RowVectorXf::Constant(n_, std::exp(gate[0]))
                        : Eigen::RowVectorXf(gate.array().exp());
  }

  void advance(const RecurrencePlace& place,
               const StateMatrix& before,
               StateMatrix& after) override {
    const Values k = k_at(place);
    after = before * decay_at(place).asDiagonal();
    const Eigen::VectorXf rest = v_at(place) - after * k;
    after.noalias() += (beta_[place.at] * rest) * k.transpose();
  }

  void go_back(const RecurrencePlace& place,
               const StateMatrix& before,
               const StateMatrix& after,
               StateMatrix& d_state) override {
    const Values q(q_.data() + shared_at(q_shape_, place), n_);
    const Values k = k_at(place);
    const Eigen::VectorXf d_output = scale_ * Values(d_node_ + place.at * n_, n_);
    const float beta = beta_[place.at];
    const Eigen::RowVectorXf decay = decay_at(place);
    const StateMatrix shrunk = before * decay.asDiagonal();
    const Eigen::VectorXf rest = v_at(place) - shrunk * k;
    d_state.noalias() += d_output * q.transpose();
    const Eigen::VectorXf d_delta = d_state * k;
    const Eigen::VectorXf d_rest = beta * d_delta;
    Gradient(gradients_[kQ].data() + shared_at(q_shape_, place), n_).noalias() +=
        after.transpose() * d_output;
    Gradient d_k(gradients_[kK].data() + shared_at(k_shape_, place), n_);
    d_k.noalias() += beta * (d_state.transpose() * rest);
    d_k.noalias() -= shrunk.transpose() * d_rest;
    Gradient(gradients_[kV].data() + place.at * n_, n_) += d_rest;
    gradients_[kBeta][place.at] += d_delta.dot(rest);
    d_state.noalias() -= d_rest * k.transpose();
    const Eigen::VectorXf d_gate = d_state.cwiseProduct(shrunk).colwise().sum();
    if (n_gate_ == 1) {
      gradients_[kG][place.at] += d_gate.sum();
    } else {
      Gradient(gradients_[kG].data() + place.at * n_, n_) += d_gate;
    }
    d_state *= decay.asDiagonal();
  }

  const float* d_node_;
  Floats q_, k_, v_, g_, beta_;
  const ggml_tensor& q_shape_;
  const ggml_tensor& k_shape_;
  RecurrenceSizes sizes_;
  int64_t n_, n_gate_;
  float scale_;
  std::array<std::vector<float>, kSources> gradients_;
};

}  // namespace

void rule_gated_delta_net(Tape& tape, const TapeTensor& node, const float* d_node) {
  const Floats state = tape.values(tape.source(node, kState));
  GatedDelta(tape, node, d_node, state).hand_on(tape, node);
}

}  // namespace mascing
