// Sums over rows of any length, packet by packet and the rest number by number.
#pragma once

#include <cstdint>

#include "nn/simd.h"

namespace mascing::nn {

/// Sum of x [n].
template <typename Scalar>
[[nodiscard]] inline Scalar sum(const Scalar* x, int64_t n) {
  Packet<Scalar> total = broadcast(Scalar(0));
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    total = Eigen::internal::padd(total, load(x + i));
  }
  Scalar result = sum_lanes(total);
  for (; i < n; ++i) {
    result += x[i];
  }
  return result;
}

/// Sum of a [n] * b [n].
template <typename Scalar>
[[nodiscard]] inline Scalar dot(const Scalar* a, const Scalar* b, int64_t n) {
  Packet<Scalar> total = broadcast(Scalar(0));
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    total = multiply_add(load(a + i), load(b + i), total);
  }
  Scalar result = sum_lanes(total);
  for (; i < n; ++i) {
    result += a[i] * b[i];
  }
  return result;
}

/// y [n] += factor * x [n]
template <typename Scalar>
inline void add_scaled(Scalar factor, const Scalar* x, int64_t n, Scalar* y) {
  const Packet<Scalar> factors = broadcast(factor);
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    store(y + i, multiply_add(factors, load(x + i), load(y + i)));
  }
  for (; i < n; ++i) {
    y[i] += factor * x[i];
  }
}

/// x [n] *= factor
template <typename Scalar>
inline void scale_row(Scalar* x, int64_t n, Scalar factor) {
  const Packet<Scalar> factors = broadcast(factor);
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    store(x + i, Eigen::internal::pmul(factors, load(x + i)));
  }
  for (; i < n; ++i) {
    x[i] *= factor;
  }
}

/// y [n] = scale * (x [n] + factor * d [n])
template <typename Scalar>
inline void scaled_sum(
    Scalar scale, const Scalar* x, Scalar factor, const Scalar* d, int64_t n, Scalar* y) {
  const Packet<Scalar> factors = broadcast(factor);
  const Packet<Scalar> scales = broadcast(scale);
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    const Packet<Scalar> moved = multiply_add(factors, load(d + i), load(x + i));
    store(y + i, Eigen::internal::pmul(scales, moved));
  }
  for (; i < n; ++i) {
    y[i] = scale * (x[i] + factor * d[i]);
  }
}

}  // namespace mascing::nn
