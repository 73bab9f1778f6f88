// Both are written so that large logits neither overflow nor lose the result.
#include "nn/loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numeric.h"
#include "nn/matrix.h"
#include "nn/vector_ops.h"

namespace mascing::nn {
namespace {

constexpr double kMostExponent = 80.0;  // floats end at exp(88); Eigen's exp stays there in silence

/// tilt_divergence beyond it: all numbers relative to the largest one of a possible choice.
template <typename Scalar>
double wide_tilt_divergence(const Scalar* p, const Scalar* s, Scalar sigma, int64_t n, Scalar* d) {
  const double mean = dot(p, s, n);
  const auto exponent = [&](int64_t i) { return double{sigma} * (double{s[i]} - mean); };
  double top = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; ++i) {
    top = p[i] > Scalar(0) ? std::max(top, exponent(i)) : top;
  }
  const auto weight = [&](int64_t i) {
    return p[i] > Scalar(0) ? double{p[i]} * std::exp(exponent(i) - top) : 0.0;
  };
  double total = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    total += weight(i);
  }
  for (int64_t i = 0; i < n; ++i) {
    d[i] = to_scalar<Scalar>(double{sigma} * (weight(i) / total - double{p[i]}));
  }
  return std::max(0.0, top + std::log(total));
}

}  // namespace

double bce_with_logits(double logit, double label) {
  return std::max(logit, 0.0) - logit * label + std::log1p(std::exp(-std::abs(logit)));
}

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

double d_bce_with_logits(double logit, double label) {
  return sigmoid(logit) - label;
}

template <typename Scalar>
double tilt_divergence(const Scalar* p, const Scalar* s, Scalar sigma, int64_t n, Scalar* d) {
  const ConstArrayMap<Scalar> base(p, n);
  const ConstArrayMap<Scalar> shift(s, n);
  ArrayMap<Scalar> tilted(d, n);
  if (std::all_of(s, s + n, [&](Scalar value) { return value == s[0]; })) {
    tilted.setZero();
    return 0.0;
  }
  // With the mean taken off s the divergence is the log of the normaliser, and small ones keep
  // their digits.
  const Scalar mean = dot(p, s, n);
  if (sigma * (shift.maxCoeff() - mean) > Scalar(kMostExponent)) {
    return wide_tilt_divergence(p, s, sigma, n, d);
  }
  tilted = base * (sigma * (shift - mean)).exp();
  const Scalar excess = sum(d, n) - Scalar(1);
  tilted = sigma * (tilted / (Scalar(1) + excess) - base);
  return std::max(0.0, std::log1p(double{excess}));
}

template double tilt_divergence<float>(const float*, const float*, float, int64_t, float*);
template double tilt_divergence<double>(const double*, const double*, double, int64_t, double*);

}  // namespace mascing::nn
