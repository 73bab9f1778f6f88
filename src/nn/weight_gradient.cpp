// x carries no bias, so what the projection's bias adds to the gradient of W_ih follows from the
// summed gradients of the gates.
#include "nn/weight_gradient.h"

#include <algorithm>

#include "nn/vector_ops.h"

namespace mascing::nn {

template <typename Scalar>
WeightGradient<Scalar>::WeightGradient(const SurrogateShape& shape)
    : shape_(shape),
      width_(PreparedWeights<Scalar>(shape).width()),
      d_gate_weight_(4 * shape.n_hidden * width_),
      d_gate_bias_(4 * shape.n_hidden),
      d_recurrent_(4 * shape.n_hidden * shape.n_hidden),
      d_projection_(shape.n_proj * shape.n_expert),
      d_output_(shape.n_hidden + 1) {}

template <typename Scalar>
void WeightGradient<Scalar>::set_zero() {
  for (AlignedVector<Scalar>* values :
       {&d_gate_weight_, &d_gate_bias_, &d_recurrent_, &d_projection_, &d_output_}) {
    std::fill(values->begin(), values->end(), Scalar(0));
  }
}

template <typename Scalar>
void WeightGradient<Scalar>::add_gates(Rows<const Scalar> d_gates, Rows<const Scalar> x) {
  outer_.add(d_gates, 4 * shape_.n_hidden, x, width_, d_gate_weight_.data());
  for (int64_t i = 0; i < d_gates.n_row; ++i) {
    add_scaled(
        Scalar(1), d_gates.data + i * d_gates.stride, 4 * shape_.n_hidden, d_gate_bias_.data());
  }
}

template <typename Scalar>
void WeightGradient<Scalar>::add_recurrent(Rows<const Scalar> d_gates, Rows<const Scalar> hidden) {
  outer_.add(d_gates, 4 * shape_.n_hidden, hidden, shape_.n_hidden, d_recurrent_.data());
}

template <typename Scalar>
void WeightGradient<Scalar>::add_projection(Rows<const Scalar> x_hat, const Scalar* d_x) {
  outer_.add({d_x, shape_.n_proj, x_hat.n_row},
             shape_.n_proj,
             x_hat,
             shape_.n_expert,
             d_projection_.data());
}

template <typename Scalar>
void WeightGradient<Scalar>::add_output(Scalar d_logit, const Scalar* last) {
  add_scaled(d_logit, last, shape_.n_hidden, d_output_.data());
  d_output_[shape_.n_hidden] += d_logit;
}

template <typename Scalar>
void WeightGradient<Scalar>::unfold(const PreparedWeights<Scalar>& weights, Scalar* d_values) {
  const SurrogateView<Scalar> d(shape_, d_values);
  const int64_t n_gate = 4 * shape_.n_hidden;
  unfold_gates(weights, d);
  unfold_projection(weights, d);
  add_scaled(Scalar(1), d_recurrent_.data(), n_gate * shape_.n_hidden, d.lstm_weight_hh);
  add_scaled(Scalar(1), d_gate_bias_.data(), n_gate, d.lstm_bias_ih);
  add_scaled(Scalar(1), d_gate_bias_.data(), n_gate, d.lstm_bias_hh);
  add_scaled(Scalar(1), d_output_.data(), shape_.n_hidden, d.out_weight);
  *d.out_bias += d_output_[shape_.n_hidden];
}

template <typename Scalar>
void WeightGradient<Scalar>::unfold_gates(const PreparedWeights<Scalar>& weights,
                                          const SurrogateView<Scalar>& d) {
  const int64_t n_gate = 4 * shape_.n_hidden;
  const int64_t n_proj = shape_.n_proj;
  const int64_t n_input = shape_.n_layer * n_proj;
  for (int64_t j = 0; j < n_gate; ++j) {
    for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
      Scalar* d_row = d.lstm_weight_ih + j * n_input + i_layer * n_proj;
      add_scaled(d_gate_bias_[j], weights.projection_bias(), n_proj, d_row);
    }
  }
  if (!weights.is_folded()) {
    add_scaled(Scalar(1), d_gate_weight_.data(), n_gate * width_, d.lstm_weight_ih);
    return;
  }
  PackedMatrix<Scalar> projection;
  projection.pack(weights.projection(), 1, shape_.n_expert, shape_.n_expert, n_proj);
  for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
    const Rows<const Scalar> d_layer = {
        d_gate_weight_.data() + i_layer * shape_.n_expert, width_, n_gate};
    projection.multiply(
        d_layer, {d.lstm_weight_ih + i_layer * n_proj, n_input, n_gate}, Onto::kResult);
    outer_.add({weights.view().lstm_weight_ih + i_layer * n_proj, n_input, n_gate},
               n_proj,
               d_layer,
               shape_.n_expert,
               d_projection_.data());
  }
}

template <typename Scalar>
void WeightGradient<Scalar>::unfold_projection(const PreparedWeights<Scalar>& weights,
                                               const SurrogateView<Scalar>& d) {
  const SurrogateView<const Scalar> w = weights.view();
  const int64_t n_expert = shape_.n_expert;
  AlignedVector<Scalar> d_bias(shape_.n_proj, Scalar(0));
  for (int64_t j = 0; j < 4 * shape_.n_hidden; ++j) {
    for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
      const int64_t at = (j * shape_.n_layer + i_layer) * shape_.n_proj;
      add_scaled(d_gate_bias_[j], w.lstm_weight_ih + at, shape_.n_proj, d_bias.data());
    }
  }
  for (int64_t p = 0; p < shape_.n_proj; ++p) {
    const Scalar* weight = w.proj_weight + p * n_expert;
    const Scalar* d_folded = d_projection_.data() + p * n_expert;
    Scalar* d_weight = d.proj_weight + p * n_expert;
    for (int64_t e = 0; e < n_expert; ++e) {
      d_weight[e] += d_folded[e] * w.ln_gain[e] + d_bias[p] * w.ln_bias[e];
      d.ln_gain[e] += d_folded[e] * weight[e];
      d.ln_bias[e] += d_bias[p] * weight[e];
    }
    d.proj_bias[p] += d_bias[p];
  }
}

template class WeightGradient<float>;
template class WeightGradient<double>;

}  // namespace mascing::nn
