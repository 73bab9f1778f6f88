// Kept slow and literal on purpose: no folding, no packing, no shared buffers.
#include "nn/reference.h"

#include <cmath>

#include "base/numeric.h"
#include "nn/layer_norm.h"
#include "nn/loss.h"
#include "nn/surrogate_layout.h"

namespace mascing::nn {
namespace {

template <typename Scalar>
Scalar logistic(Scalar x) {
  return Scalar(1) / (Scalar(1) + std::exp(-x));
}

/// All intermediate values of one sequence.
template <typename Scalar>
struct Activations {
  std::vector<Scalar> x_hat;    // [T, L, E] normalised
  std::vector<Scalar> inv_std;  // [T, L]
  std::vector<Scalar> x;        // [T, L * P]
  std::vector<Scalar> gates;    // [T, 4H] after sigmoid and tanh
  std::vector<Scalar> cell;     // [T, H]
  std::vector<Scalar> hidden;   // [T, H]
};

template <typename Scalar>
class ReferenceSequence {
 public:
  ReferenceSequence(const SurrogateShape& shape,
                    const std::vector<Scalar>& values,
                    const std::vector<Scalar>& z)
      : shape_(shape),
        weights_(shape, values.data()),
        z_(z),
        n_token_(std::ssize(z) / (shape.n_layer * shape.n_expert)) {}

  Scalar forward() {
    project();
    recur();
    Scalar logit = *weights_.out_bias;
    for (int64_t j = 0; j < shape_.n_hidden; ++j) {
      logit += weights_.out_weight[j] * at_.hidden[(n_token_ - 1) * shape_.n_hidden + j];
    }
    return logit;
  }

  /// Adds to the gradients; returns that of z.
  std::vector<Scalar> backward(Scalar d_logit, const SurrogateView<Scalar>& d) {
    const std::vector<Scalar> d_x = recur_backward(d_logit, d);
    return project_backward(d_x, d);
  }

 private:
  void project() {
    const int64_t n_expert = shape_.n_expert;
    const int64_t n_row = n_token_ * shape_.n_layer;
    at_.x_hat.resize(n_row * n_expert);
    at_.inv_std.resize(n_row);
    at_.x.resize(n_row * shape_.n_proj);
    for (int64_t row = 0; row < n_row; ++row) {
      const Scalar* z = &z_[row * n_expert];
      Scalar mean = 0;
      Scalar variance = 0;
      for (int64_t e = 0; e < n_expert; ++e) {
        mean += z[e] / to_scalar<Scalar>(n_expert);
      }
      for (int64_t e = 0; e < n_expert; ++e) {
        variance += (z[e] - mean) * (z[e] - mean) / to_scalar<Scalar>(n_expert);
      }
      at_.inv_std[row] = Scalar(1) / std::sqrt(variance + to_scalar<Scalar>(kLayerNormEps));
      for (int64_t e = 0; e < n_expert; ++e) {
        at_.x_hat[row * n_expert + e] = (z[e] - mean) * at_.inv_std[row];
      }
      for (int64_t p = 0; p < shape_.n_proj; ++p) {
        Scalar sum = weights_.proj_bias[p];
        for (int64_t e = 0; e < n_expert; ++e) {
          sum += weights_.proj_weight[p * n_expert + e] * normalised(row, e);
        }
        at_.x[row * shape_.n_proj + p] = sum;
      }
    }
  }

  [[nodiscard]] Scalar normalised(int64_t row, int64_t e) const {
    return weights_.ln_gain[e] * at_.x_hat[row * shape_.n_expert + e] + weights_.ln_bias[e];
  }

  [[nodiscard]] Scalar state(const std::vector<Scalar>& states, int64_t t, int64_t j) const {
    return t < 0 ? Scalar(0) : states[t * shape_.n_hidden + j];
  }

  void recur() {
    const int64_t n = shape_.n_hidden;
    const int64_t n_x = shape_.n_layer * shape_.n_proj;
    at_.gates.resize(n_token_ * 4 * n);
    at_.cell.resize(n_token_ * n);
    at_.hidden.resize(n_token_ * n);
    for (int64_t t = 0; t < n_token_; ++t) {
      for (int64_t k = 0; k < 4 * n; ++k) {
        Scalar a = weights_.lstm_bias_ih[k] + weights_.lstm_bias_hh[k];
        for (int64_t i = 0; i < n_x; ++i) {
          a += weights_.lstm_weight_ih[k * n_x + i] * at_.x[t * n_x + i];
        }
        for (int64_t j = 0; j < n; ++j) {
          a += weights_.lstm_weight_hh[k * n + j] * state(at_.hidden, t - 1, j);
        }
        const bool is_update = k / n == 2;
        at_.gates[t * 4 * n + k] = is_update ? std::tanh(a) : logistic(a);
      }
      for (int64_t j = 0; j < n; ++j) {
        const Scalar* gate = &at_.gates[t * 4 * n + j];
        const Scalar cell = gate[n] * state(at_.cell, t - 1, j) + gate[0] * gate[2 * n];
        at_.cell[t * n + j] = cell;
        at_.hidden[t * n + j] = gate[3 * n] * std::tanh(cell);
      }
    }
  }

  /// Gradients of the pre-activations [4H] of token t; d_cell moves from c_t to c_{t-1}.
  std::vector<Scalar> gates_backward(int64_t t,
                                     const std::vector<Scalar>& d_hidden,
                                     std::vector<Scalar>& d_cell) const {
    const int64_t n = shape_.n_hidden;
    std::vector<Scalar> d_a(4 * n);
    for (int64_t j = 0; j < n; ++j) {
      const Scalar* gate = &at_.gates[t * 4 * n + j];
      const Scalar i = gate[0];
      const Scalar f = gate[n];
      const Scalar g = gate[2 * n];
      const Scalar o = gate[3 * n];
      const Scalar tanh_cell = std::tanh(at_.cell[t * n + j]);
      const Scalar d_c = d_cell[j] + d_hidden[j] * o * (Scalar(1) - tanh_cell * tanh_cell);
      d_a[j] = d_c * g * i * (Scalar(1) - i);
      d_a[n + j] = d_c * state(at_.cell, t - 1, j) * f * (Scalar(1) - f);
      d_a[2 * n + j] = d_c * i * (Scalar(1) - g * g);
      d_a[3 * n + j] = d_hidden[j] * tanh_cell * o * (Scalar(1) - o);
      d_cell[j] = d_c * f;
    }
    return d_a;
  }

  std::vector<Scalar> recur_backward(Scalar d_logit, const SurrogateView<Scalar>& d) {
    const int64_t n = shape_.n_hidden;
    const int64_t n_x = shape_.n_layer * shape_.n_proj;
    std::vector<Scalar> d_x(n_token_ * n_x, Scalar(0));
    std::vector<Scalar> d_cell(n, Scalar(0));
    std::vector<Scalar> d_hidden(n);
    *d.out_bias += d_logit;
    for (int64_t j = 0; j < n; ++j) {
      d.out_weight[j] += d_logit * at_.hidden[(n_token_ - 1) * n + j];
      d_hidden[j] = d_logit * weights_.out_weight[j];
    }
    for (int64_t t = n_token_ - 1; t >= 0; --t) {
      const std::vector<Scalar> d_a = gates_backward(t, d_hidden, d_cell);
      d_hidden.assign(n, Scalar(0));
      for (int64_t k = 0; k < 4 * n; ++k) {
        d.lstm_bias_ih[k] += d_a[k];
        d.lstm_bias_hh[k] += d_a[k];
        for (int64_t i = 0; i < n_x; ++i) {
          d.lstm_weight_ih[k * n_x + i] += d_a[k] * at_.x[t * n_x + i];
          d_x[t * n_x + i] += d_a[k] * weights_.lstm_weight_ih[k * n_x + i];
        }
        for (int64_t j = 0; j < n; ++j) {
          d.lstm_weight_hh[k * n + j] += d_a[k] * state(at_.hidden, t - 1, j);
          d_hidden[j] += d_a[k] * weights_.lstm_weight_hh[k * n + j];
        }
      }
    }
    return d_x;
  }

  std::vector<Scalar> project_backward(const std::vector<Scalar>& d_x,
                                       const SurrogateView<Scalar>& d) {
    const int64_t n_expert = shape_.n_expert;
    std::vector<Scalar> d_z(z_.size());
    for (int64_t row = 0; row < n_token_ * shape_.n_layer; ++row) {
      std::vector<Scalar> d_x_hat(n_expert, Scalar(0));
      for (int64_t p = 0; p < shape_.n_proj; ++p) {
        const Scalar d_out = d_x[row * shape_.n_proj + p];
        d.proj_bias[p] += d_out;
        for (int64_t e = 0; e < n_expert; ++e) {
          const Scalar weight = weights_.proj_weight[p * n_expert + e];
          d.proj_weight[p * n_expert + e] += d_out * normalised(row, e);
          d.ln_gain[e] += d_out * weight * at_.x_hat[row * n_expert + e];
          d.ln_bias[e] += d_out * weight;
          d_x_hat[e] += d_out * weight * weights_.ln_gain[e];
        }
      }
      normalise_backward(row, d_x_hat, &d_z[row * n_expert]);
    }
    return d_z;
  }

  void normalise_backward(int64_t row, const std::vector<Scalar>& d_x_hat, Scalar* d_z) const {
    const int64_t n_expert = shape_.n_expert;
    const Scalar* x_hat = &at_.x_hat[row * n_expert];
    Scalar mean = 0;
    Scalar mean_product = 0;
    for (int64_t e = 0; e < n_expert; ++e) {
      mean += d_x_hat[e] / to_scalar<Scalar>(n_expert);
      mean_product += d_x_hat[e] * x_hat[e] / to_scalar<Scalar>(n_expert);
    }
    for (int64_t e = 0; e < n_expert; ++e) {
      d_z[e] = at_.inv_std[row] * (d_x_hat[e] - mean - x_hat[e] * mean_product);
    }
  }

  SurrogateShape shape_;
  SurrogateView<const Scalar> weights_;
  const std::vector<Scalar>& z_;
  int64_t n_token_;
  Activations<Scalar> at_;
};

}  // namespace

template <typename Scalar>
ReferenceResult<Scalar> reference_surrogate(const SurrogateShape& shape,
                                            const std::vector<Scalar>& values,
                                            const std::vector<std::vector<Scalar>>& sequences,
                                            const std::vector<Scalar>& labels) {
  ReferenceResult<Scalar> result;
  result.d_values.assign(values.size(), Scalar(0));
  const SurrogateView<Scalar> d_values(shape, result.d_values.data());
  const double n_sequence = to_double(std::ssize(sequences));
  for (size_t i = 0; i < sequences.size(); ++i) {
    ReferenceSequence<Scalar> sequence(shape, values, sequences[i]);
    const Scalar logit = sequence.forward();
    result.logits.push_back(logit);
    result.loss += bce_with_logits(logit, labels[i]) / n_sequence;
    const double d_logit = d_bce_with_logits(logit, labels[i]) / n_sequence;
    result.d_input.push_back(sequence.backward(to_scalar<Scalar>(d_logit), d_values));
  }
  return result;
}

template struct ReferenceResult<float>;
template struct ReferenceResult<double>;
template ReferenceResult<float> reference_surrogate<float>(const SurrogateShape&,
                                                           const std::vector<float>&,
                                                           const std::vector<std::vector<float>>&,
                                                           const std::vector<float>&);
template ReferenceResult<double> reference_surrogate<double>(
    const SurrogateShape&,
    const std::vector<double>&,
    const std::vector<std::vector<double>>&,
    const std::vector<double>&);

}  // namespace mascing::nn
