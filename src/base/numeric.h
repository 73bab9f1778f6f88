// Conversions between counts and real numbers, in one place and by name.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

namespace mascing {

/// A count as a real number. Exact up to 2^53.
[[nodiscard]] constexpr double to_double(int64_t n) {
  return static_cast<double>(n);
}

/// Rounds to single precision.
[[nodiscard]] constexpr float to_float(double x) {
  return static_cast<float>(x);
}

/// A number in the precision that a template computes in, rounded if need be.
template <typename Scalar, typename Number>
[[nodiscard]] constexpr Scalar to_scalar(Number x) {
  return static_cast<Scalar>(x);
}

/// `n` in `n_all` as a share; not-a-number or infinite for `n_all` = 0, as division has it.
[[nodiscard]] constexpr double ratio(int64_t n, int64_t n_all) {
  return to_double(n) / to_double(n_all);
}

/// The same; 0 for `n_all` = 0.
[[nodiscard]] constexpr double ratio_or_zero(int64_t n, int64_t n_all) {
  return n_all == 0 ? 0.0 : ratio(n, n_all);
}

/// Arithmetic mean, summed in order in double precision; 0 without values.
template <typename Number>
[[nodiscard]] double mean(const std::vector<Number>& values) {
  double sum = 0.0;
  for (const Number value : values) {
    sum += to_scalar<double>(value);
  }
  return values.empty() ? 0.0 : sum / to_double(std::ssize(values));
}

/// False if one of them is infinite or not a number.
[[nodiscard]] inline bool are_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

}  // namespace mascing
