// Eigen's matrix products without temporaries.
#include "nn/linear.h"

namespace mascing::nn {

template <typename Scalar>
void linear_forward(const ConstMatrixMap<Scalar>& x,
                    const ConstMatrixMap<Scalar>& weight,
                    const ConstVectorMap<Scalar>& bias,
                    MatrixMap<Scalar> y) {
  y.rowwise() = bias;
  y.noalias() += x * weight.transpose();
}

template <typename Scalar>
void linear_backward_weight(const ConstMatrixMap<Scalar>& x,
                            const ConstMatrixMap<Scalar>& d_y,
                            MatrixMap<Scalar> d_weight,
                            VectorMap<Scalar> d_bias) {
  d_weight.noalias() += d_y.transpose() * x;
  d_bias += d_y.colwise().sum();
}

template <typename Scalar>
void linear_backward_input(const ConstMatrixMap<Scalar>& weight,
                           const ConstMatrixMap<Scalar>& d_y,
                           MatrixMap<Scalar> d_x) {
  d_x.noalias() = d_y * weight;
}

#define MASCING_INSTANTIATE_LINEAR(Scalar)                                    \
  template void linear_forward<Scalar>(const ConstMatrixMap<Scalar>&,         \
                                       const ConstMatrixMap<Scalar>&,         \
                                       const ConstVectorMap<Scalar>&,         \
                                       MatrixMap<Scalar>);                    \
  template void linear_backward_weight<Scalar>(const ConstMatrixMap<Scalar>&, \
                                               const ConstMatrixMap<Scalar>&, \
                                               MatrixMap<Scalar>,             \
                                               VectorMap<Scalar>);            \
  template void linear_backward_input<Scalar>(                                \
      const ConstMatrixMap<Scalar>&, const ConstMatrixMap<Scalar>&, MatrixMap<Scalar>);
MASCING_INSTANTIATE_LINEAR(float)
MASCING_INSTANTIATE_LINEAR(double)
#undef MASCING_INSTANTIATE_LINEAR

}  // namespace mascing::nn
