// LayerNorm followed by a linear map, as one: with x_hat the normalised row,
//   W (gain * x_hat + bias) + b = (W diag(gain)) x_hat + (W bias + b),
// so gain and bias cost nothing per token, and their gradients follow from that of the folded
// weight.
#pragma once

#include "nn/matrix.h"
#include "nn/surrogate.h"

namespace mascing::nn {

template <typename Scalar>
class Projection {
 public:
  explicit Projection(const SurrogateShape& shape) : shape_(shape) {}

  /// Folds ln_gain, ln_bias, proj_weight and proj_bias of `weights`, which must outlive the next
  /// calls.
  void set_weights(const SurrogateView<const Scalar>& weights);

  /// Normalises z [N, E] in place and writes x [N, P]; inv_std [N] is kept for the backward pass.
  void forward(MatrixMap<Scalar> z, VectorMap<Scalar> inv_std, MatrixMap<Scalar> x) const;

  /// Adds to the gradient of the folded weight; x_hat [N, E] and d_x [N, P] as in `forward`.
  void backward_weight(const ConstMatrixMap<Scalar>& x_hat, const ConstMatrixMap<Scalar>& d_x);

  /// d_z [N, E] = gradient of the raw rows.
  void backward_input(const ConstMatrixMap<Scalar>& x_hat,
                      const ConstVectorMap<Scalar>& inv_std,
                      const ConstMatrixMap<Scalar>& d_x,
                      MatrixMap<Scalar> d_z) const;

  /// Adds the gradients that backward_weight gathered to the four tensors of `d_weights`, and
  /// starts anew.
  void unfold_gradient(const SurrogateView<Scalar>& d_weights);

 private:
  SurrogateShape shape_;
  const Scalar* gain_ = nullptr;
  const Scalar* bias_ = nullptr;
  const Scalar* weight_ = nullptr;
  RowMatrix<Scalar> folded_weight_;    // [P, E]
  RowVector<Scalar> folded_bias_;      // [P]
  RowMatrix<Scalar> d_folded_weight_;  // [P, E]
  RowVector<Scalar> d_folded_bias_;    // [P]
};

}  // namespace mascing::nn
