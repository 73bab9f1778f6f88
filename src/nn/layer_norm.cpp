// Three passes over a row that lies in the first-level cache: mean, deviations and their squares,
// scaling.
#include "nn/layer_norm.h"

#include <cmath>

#include "nn/vector_ops.h"

namespace mascing::nn {

template <typename Scalar>
RowStatistics<Scalar> centre_row(Scalar* z, int64_t n) {
  const Scalar mean = sum(z, n) / static_cast<Scalar>(n);
  const Packet<Scalar> means = broadcast(mean);
  Packet<Scalar> squares = broadcast(Scalar(0));
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    const Packet<Scalar> centred = Eigen::internal::psub(load(z + i), means);
    squares = multiply_add(centred, centred, squares);
    store(z + i, centred);
  }
  Scalar square = sum_lanes(squares);
  for (; i < n; ++i) {
    z[i] -= mean;
    square += z[i] * z[i];
  }
  return {mean, square / static_cast<Scalar>(n)};
}

template <typename Scalar>
void subtract_mean(Scalar* z, int64_t n, Scalar mean) {
  const Packet<Scalar> means = broadcast(mean);
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    store(z + i, Eigen::internal::psub(load(z + i), means));
  }
  for (; i < n; ++i) {
    z[i] -= mean;
  }
}

template <typename Scalar>
Scalar inverse_deviation(Scalar variance) {
  return Scalar(1) / std::sqrt(variance + static_cast<Scalar>(kLayerNormEps));
}

template <typename Scalar>
void normalise_rows(MatrixMap<Scalar> x, Scalar* mean, Scalar* inv_std) {
  for (int64_t i = 0; i < x.rows(); ++i) {
    Scalar* row = x.data() + i * x.cols();
    const RowStatistics<Scalar> statistics = centre_row(row, x.cols());
    mean[i] = statistics.mean;
    inv_std[i] = inverse_deviation(statistics.variance);
    scale_row(row, x.cols(), inv_std[i]);
  }
}

template <typename Scalar>
void normalise_rows_again(MatrixMap<Scalar> x, const Scalar* mean, const Scalar* inv_std) {
  for (int64_t i = 0; i < x.rows(); ++i) {
    Scalar* row = x.data() + i * x.cols();
    subtract_mean(row, x.cols(), mean[i]);
    scale_row(row, x.cols(), inv_std[i]);
  }
}

#define MASCING_INSTANTIATE_LAYER_NORM(Scalar)                                   \
  template RowStatistics<Scalar> centre_row<Scalar>(Scalar*, int64_t);           \
  template void subtract_mean<Scalar>(Scalar*, int64_t, Scalar);                 \
  template Scalar inverse_deviation<Scalar>(Scalar);                             \
  template void normalise_rows<Scalar>(MatrixMap<Scalar>, Scalar*, Scalar*);     \
  template void normalise_rows_again<Scalar>(                                    \
      MatrixMap<Scalar>, const Scalar*, const Scalar*);
MASCING_INSTANTIATE_LAYER_NORM(float)
MASCING_INSTANTIATE_LAYER_NORM(double)
#undef MASCING_INSTANTIATE_LAYER_NORM

}  // namespace mascing::nn
