// Layer normalisation of rows, without its gain and bias: those are folded into the linear map
// behind it (prepared_weights.h). The variance is the biased one and eps is inside the root, as in
// PyTorch. A row is a few packets, so its passes cost no memory traffic.
#pragma once

#include <cstdint>

namespace mascing::nn {

inline constexpr double kLayerNormEps = 1e-5;

template <typename Scalar>
struct RowStatistics {
  Scalar mean;
  Scalar variance;  ///< the biased one
};

/// Takes the mean off a row z [n], and returns what it was and the variance.
template <typename Scalar>
RowStatistics<Scalar> centre_row(Scalar* z, int64_t n);

/// z [n] -= mean, as centre_row does it.
template <typename Scalar>
void subtract_mean(Scalar* z, int64_t n, Scalar mean);

/// 1 / sqrt(variance + eps)
template <typename Scalar>
[[nodiscard]] Scalar inverse_deviation(Scalar variance);

/// z [n] becomes (z - mean) / sqrt(variance + eps), in place; the mean and the factor are kept.
template <typename Scalar>
void normalise_row(Scalar* z, int64_t n, Scalar& mean, Scalar& inv_std);

/// The same from mean and factor that are known: same bytes.
template <typename Scalar>
void normalise_row_again(Scalar* z, int64_t n, Scalar mean, Scalar inv_std);

}  // namespace mascing::nn
