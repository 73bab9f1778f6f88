// All of it is done once per step: against the products of a batch it costs nothing.
#include "nn/prepared_weights.h"

#include <algorithm>

#include "nn/vector_ops.h"

namespace mascing::nn {

template <typename Scalar>
PreparedWeights<Scalar>::PreparedWeights(const SurrogateShape& shape)
    : shape_(shape),
      is_folded_(shape.n_expert <= shape.n_proj),
      n_feature_(is_folded_ ? shape.n_expert : shape.n_proj) {}

template <typename Scalar>
void PreparedWeights<Scalar>::set(const Scalar* values) {
  values_ = values;
  const int64_t n_gate = 4 * shape_.n_hidden;
  fold_projection();
  fold_gate_weights();
  const Scalar* weight = is_folded_ ? gate_weight_.data() : view().lstm_weight_ih;
  packed_gates_.pack(weight, 1, width(), width(), n_gate);
  packed_gates_backward_.pack(weight, width(), 1, n_gate, width());
  recurrent_.pack(view().lstm_weight_hh, 1, shape_.n_hidden, shape_.n_hidden, n_gate);
  recurrent_backward_.pack(view().lstm_weight_hh, shape_.n_hidden, 1, n_gate, shape_.n_hidden);
}

template <typename Scalar>
void PreparedWeights<Scalar>::fold_projection() {
  const SurrogateView<const Scalar> weights = view();
  const int64_t n_expert = shape_.n_expert;
  projection_.resize(shape_.n_proj * n_expert);
  projection_bias_.resize(shape_.n_proj);
  for (int64_t p = 0; p < shape_.n_proj; ++p) {
    const Scalar* row = weights.proj_weight + p * n_expert;
    for (int64_t e = 0; e < n_expert; ++e) {
      projection_[p * n_expert + e] = row[e] * weights.ln_gain[e];
    }
    projection_bias_[p] = weights.proj_bias[p] + dot(row, weights.ln_bias, n_expert);
  }
  packed_projection_.pack(projection_.data(), 1, n_expert, n_expert, shape_.n_proj);
}

template <typename Scalar>
void PreparedWeights<Scalar>::fold_gate_weights() {
  const SurrogateView<const Scalar> weights = view();
  const int64_t n_gate = 4 * shape_.n_hidden;
  const int64_t n_input = shape_.n_layer * shape_.n_proj;
  gate_bias_.resize(n_gate);
  for (int64_t j = 0; j < n_gate; ++j) {
    Scalar bias = weights.lstm_bias_ih[j] + weights.lstm_bias_hh[j];
    for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
      bias += dot(weights.lstm_weight_ih + j * n_input + i_layer * shape_.n_proj,
                  projection_bias_.data(),
                  shape_.n_proj);
    }
    gate_bias_[j] = bias;
  }
  if (!is_folded_) {
    return;
  }
  gate_weight_.resize(n_gate * width());
  PackedMatrix<Scalar> projection;
  projection.pack(projection_.data(), shape_.n_expert, 1, shape_.n_proj, shape_.n_expert);
  for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
    projection.multiply({weights.lstm_weight_ih + i_layer * shape_.n_proj, n_input, n_gate},
                        {gate_weight_.data() + i_layer * shape_.n_expert, width(), n_gate},
                        Onto::kNothing);
  }
}

template <typename Scalar>
void PreparedWeights<Scalar>::features(Rows<const Scalar> rows, Scalar* x) const {
  if (is_folded_) {
    for (int64_t i = 0; i < rows.n_row; ++i) {
      std::copy_n(rows.data + i * rows.stride, n_feature_, x + i * n_feature_);
    }
    return;
  }
  packed_projection_.multiply(rows, {x, n_feature_, rows.n_row}, Onto::kNothing);
}

template <typename Scalar>
void PreparedWeights<Scalar>::add_features_backward(const Scalar* d_x, Scalar* d_rows) const {
  if (is_folded_) {
    add_scaled(Scalar(1), d_x, n_feature_, d_rows);
    return;
  }
  for (int64_t p = 0; p < shape_.n_proj; ++p) {
    add_scaled(d_x[p], projection_.data() + p * shape_.n_expert, shape_.n_expert, d_rows);
  }
}

template <typename Scalar>
void PreparedWeights<Scalar>::gates(Rows<const Scalar> x, Scalar* gates) const {
  packed_gates_.multiply_plus(x, gate_bias_.data(), {gates, 4 * shape_.n_hidden, x.n_row});
}

template <typename Scalar>
void PreparedWeights<Scalar>::gates_backward(Rows<const Scalar> d_gates, Scalar* d_x) const {
  packed_gates_backward_.multiply(d_gates, {d_x, width(), d_gates.n_row}, Onto::kNothing);
}

template class PreparedWeights<float>;
template class PreparedWeights<double>;

}  // namespace mascing::nn
