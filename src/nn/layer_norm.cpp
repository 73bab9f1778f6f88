// Three passes over a row that lies in the first-level cache: mean, deviations and their squares,
// scaling.
#include "nn/layer_norm.h"

#include <cmath>

#include "base/numeric.h"
#include "nn/vector_ops.h"

namespace mascing::nn {

template <typename Scalar>
RowStatistics<Scalar> centre_row(Scalar* z, int64_t n) {
  const auto count = to_scalar<Scalar>(n);
  const Scalar mean = sum(z, n) / count;
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
  return {mean, square / count};
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
  return Scalar(1) / std::sqrt(variance + to_scalar<Scalar>(kLayerNormEps));
}

template <typename Scalar>
void normalise_row(Scalar* z, int64_t n, Scalar& mean, Scalar& inv_std) {
  const RowStatistics<Scalar> statistics = centre_row(z, n);
  mean = statistics.mean;
  inv_std = inverse_deviation(statistics.variance);
  scale_row(z, n, inv_std);
}

template <typename Scalar>
void normalise_row_again(Scalar* z, int64_t n, Scalar mean, Scalar inv_std) {
  const Packet<Scalar> means = broadcast(mean);
  const Packet<Scalar> factors = broadcast(inv_std);
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    const Packet<Scalar> centred = Eigen::internal::psub(load(z + i), means);
    store(z + i, Eigen::internal::pmul(factors, centred));
  }
  for (; i < n; ++i) {
    z[i] = (z[i] - mean) * inv_std;
  }
}

template RowStatistics<float> centre_row<float>(float*, int64_t);
template void subtract_mean<float>(float*, int64_t, float);
template float inverse_deviation<float>(float);
template void normalise_row<float>(float*, int64_t, float&, float&);
template void normalise_row_again<float>(float*, int64_t, float, float);
template RowStatistics<double> centre_row<double>(double*, int64_t);
template void subtract_mean<double>(double*, int64_t, double);
template double inverse_deviation<double>(double);
template void normalise_row<double>(double*, int64_t, double&, double&);
template void normalise_row_again<double>(double*, int64_t, double, double);

}  // namespace mascing::nn
