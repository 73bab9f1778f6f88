// Both are written so that large logits neither overflow nor lose the result.
#include "nn/loss.h"

#include <algorithm>
#include <cmath>

#include "nn/matrix.h"

namespace mascing::nn {

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
double softmax_divergence(const Scalar* z, const Scalar* z_steered, int64_t n, Scalar* d_steered) {
  const ConstArrayMap<Scalar> base(z, n);
  const ConstArrayMap<Scalar> steered(z_steered, n);
  ArrayMap<Scalar> d(d_steered, n);
  if (std::equal(z, z + n, z_steered)) {  // exactly nothing, where rounding would leave a trace
    d.setZero();
    return 0.0;
  }
  const Scalar base_max = base.maxCoeff();
  const Scalar steered_max = steered.maxCoeff();
  const Scalar base_sum = (base - base_max).exp().sum();
  d = (steered - steered_max).exp();
  const Scalar steered_sum = d.sum();
  d *= Scalar(1) / steered_sum;
  // log p - log q, summed with weight p; p is not stored, exp is cheaper than another pass.
  const Scalar log_ratio = std::log(steered_sum / base_sum) + steered_max - base_max;
  const Scalar inverse = Scalar(1) / base_sum;
  const Scalar divergence =
      ((base - base_max).exp() * inverse * (base - steered + log_ratio)).sum();
  d -= (base - base_max).exp() * inverse;
  return static_cast<double>(divergence);
}

template double softmax_divergence<float>(const float*, const float*, int64_t, float*);
template double softmax_divergence<double>(const double*, const double*, int64_t, double*);

}  // namespace mascing::nn
