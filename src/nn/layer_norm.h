// Layer normalisation of rows, without its gain and bias: those are folded into the linear map
// behind it (projection.h). The variance is the biased one and eps is inside the root, as in
// PyTorch.
#pragma once

#include "nn/matrix.h"

namespace mascing::nn {

inline constexpr double kLayerNormEps = 1e-5;

/// Each row z of x [N, E] becomes (z - mean) / sqrt(variance + eps), in place; the factor
/// 1 / sqrt(variance + eps) goes to inv_std [N].
template <typename Scalar>
void normalise_rows(MatrixMap<Scalar> x, VectorMap<Scalar> inv_std);

/// Gradient through normalise_rows: d [N, E] holds the gradient of the normalised rows `x_hat` and
/// becomes that of the raw ones: inv_std * (d - mean(d) - x_hat * mean(d * x_hat)).
template <typename Scalar>
void normalise_rows_backward(const ConstMatrixMap<Scalar>& x_hat,
                             const ConstVectorMap<Scalar>& inv_std,
                             MatrixMap<Scalar> d);

}  // namespace mascing::nn
