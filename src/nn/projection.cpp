// The folding and its inverse; the heavy work is linear.h's and layer_norm.h's.
#include "nn/projection.h"

#include "nn/layer_norm.h"
#include "nn/linear.h"

namespace mascing::nn {

template <typename Scalar>
void Projection<Scalar>::set_weights(const SurrogateView<const Scalar>& weights) {
  const ConstMatrixMap<Scalar> weight(weights.proj_weight, shape_.n_proj, shape_.n_expert);
  const ConstVectorMap<Scalar> gain(weights.ln_gain, shape_.n_expert);
  const ConstVectorMap<Scalar> bias(weights.ln_bias, shape_.n_expert);
  gain_ = weights.ln_gain;
  bias_ = weights.ln_bias;
  weight_ = weights.proj_weight;
  folded_weight_ = weight * gain.asDiagonal();
  folded_bias_ = bias * weight.transpose();
  folded_bias_ += ConstVectorMap<Scalar>(weights.proj_bias, shape_.n_proj);
  d_folded_weight_.setZero(shape_.n_proj, shape_.n_expert);
  d_folded_bias_.setZero(shape_.n_proj);
}

template <typename Scalar>
void Projection<Scalar>::forward(MatrixMap<Scalar> z,
                                 VectorMap<Scalar> inv_std,
                                 MatrixMap<Scalar> x) const {
  normalise_rows<Scalar>(z, inv_std);
  linear_forward<Scalar>(
      ConstMatrixMap<Scalar>(z.data(), z.rows(), z.cols()),
      ConstMatrixMap<Scalar>(folded_weight_.data(), shape_.n_proj, shape_.n_expert),
      ConstVectorMap<Scalar>(folded_bias_.data(), shape_.n_proj),
      x);
}

template <typename Scalar>
void Projection<Scalar>::backward_weight(const ConstMatrixMap<Scalar>& x_hat,
                                         const ConstMatrixMap<Scalar>& d_x) {
  linear_backward_weight<Scalar>(
      x_hat,
      d_x,
      MatrixMap<Scalar>(d_folded_weight_.data(), shape_.n_proj, shape_.n_expert),
      VectorMap<Scalar>(d_folded_bias_.data(), shape_.n_proj));
}

template <typename Scalar>
void Projection<Scalar>::backward_input(const ConstMatrixMap<Scalar>& x_hat,
                                        const ConstVectorMap<Scalar>& inv_std,
                                        const ConstMatrixMap<Scalar>& d_x,
                                        MatrixMap<Scalar> d_z) const {
  linear_backward_input<Scalar>(
      ConstMatrixMap<Scalar>(folded_weight_.data(), shape_.n_proj, shape_.n_expert), d_x, d_z);
  normalise_rows_backward<Scalar>(x_hat, inv_std, d_z);
}

template <typename Scalar>
void Projection<Scalar>::unfold_gradient(const SurrogateView<Scalar>& d_weights) {
  const ConstMatrixMap<Scalar> weight(weight_, shape_.n_proj, shape_.n_expert);
  const ConstVectorMap<Scalar> gain(gain_, shape_.n_expert);
  const ConstVectorMap<Scalar> bias(bias_, shape_.n_expert);
  MatrixMap<Scalar> d_weight(d_weights.proj_weight, shape_.n_proj, shape_.n_expert);
  d_weight += d_folded_weight_ * gain.asDiagonal();
  d_weight.noalias() += d_folded_bias_.transpose() * bias;
  VectorMap<Scalar>(d_weights.ln_gain, shape_.n_expert) +=
      weight.cwiseProduct(d_folded_weight_).colwise().sum();
  VectorMap<Scalar>(d_weights.ln_bias, shape_.n_expert) += d_folded_bias_ * weight;
  VectorMap<Scalar>(d_weights.proj_bias, shape_.n_proj) += d_folded_bias_;
  d_folded_weight_.setZero();
  d_folded_bias_.setZero();
}

template class Projection<float>;
template class Projection<double>;

}  // namespace mascing::nn
