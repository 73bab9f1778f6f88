// The normaliser of a softmax, in double throughout.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mascing {

/// log(sum(exp(z))) of z [n], n >= 1: z[i] minus it is the log-probability of i.
[[nodiscard]] inline double log_normaliser(const float* z, int64_t n) {
  const double top = *std::max_element(z, z + n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += std::exp(z[i] - top);
  }
  return top + std::log(sum);
}

}  // namespace mascing
