// Row by row: a row is a few cache lines, so its passes cost no memory traffic.
#include "nn/layer_norm.h"

#include <cmath>

namespace mascing::nn {

template <typename Scalar>
void normalise_rows(MatrixMap<Scalar> x, VectorMap<Scalar> inv_std) {
  const auto n = static_cast<Scalar>(x.cols());
  for (int64_t i = 0; i < x.rows(); ++i) {
    ArrayMap<Scalar> row(x.data() + i * x.cols(), x.cols());
    row -= row.sum() / n;
    const Scalar variance = row.square().sum() / n;
    inv_std[i] = Scalar(1) / std::sqrt(variance + static_cast<Scalar>(kLayerNormEps));
    row *= inv_std[i];
  }
}

template <typename Scalar>
void normalise_rows_backward(const ConstMatrixMap<Scalar>& x_hat,
                             const ConstVectorMap<Scalar>& inv_std,
                             MatrixMap<Scalar> d) {
  const auto n = static_cast<Scalar>(d.cols());
  for (int64_t i = 0; i < d.rows(); ++i) {
    const ConstArrayMap<Scalar> row(x_hat.data() + i * d.cols(), d.cols());
    ArrayMap<Scalar> d_row(d.data() + i * d.cols(), d.cols());
    const Scalar mean = d_row.sum() / n;
    const Scalar mean_product = (d_row * row).sum() / n;
    d_row = inv_std[i] * (d_row - mean - row * mean_product);
  }
}

#define MASCING_INSTANTIATE_LAYER_NORM(Scalar)                                \
  template void normalise_rows<Scalar>(MatrixMap<Scalar>, VectorMap<Scalar>); \
  template void normalise_rows_backward<Scalar>(                              \
      const ConstMatrixMap<Scalar>&, const ConstVectorMap<Scalar>&, MatrixMap<Scalar>);
MASCING_INSTANTIATE_LAYER_NORM(float)
MASCING_INSTANTIATE_LAYER_NORM(double)
#undef MASCING_INSTANTIATE_LAYER_NORM

}  // namespace mascing::nn
