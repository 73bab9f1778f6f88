// y = x W^T + b over the rows of x, and its gradients: one matrix product each.
#pragma once

#include "nn/matrix.h"

namespace mascing::nn {

/// y [N, O] = x [N, I] weight^T + bias; weight [O, I], bias [O].
template <typename Scalar>
void linear_forward(const ConstMatrixMap<Scalar>& x,
                    const ConstMatrixMap<Scalar>& weight,
                    const ConstVectorMap<Scalar>& bias,
                    MatrixMap<Scalar> y);

/// Adds d_y^T x to d_weight [O, I] and the column sums of d_y [N, O] to d_bias [O].
template <typename Scalar>
void linear_backward_weight(const ConstMatrixMap<Scalar>& x,
                            const ConstMatrixMap<Scalar>& d_y,
                            MatrixMap<Scalar> d_weight,
                            VectorMap<Scalar> d_bias);

/// d_x [N, I] = d_y [N, O] weight. d_x may be the memory that held x.
template <typename Scalar>
void linear_backward_input(const ConstMatrixMap<Scalar>& weight,
                           const ConstMatrixMap<Scalar>& d_y,
                           MatrixMap<Scalar> d_x);

}  // namespace mascing::nn
