// The derivative of log sum exp is the softmax: each opening's share of the probability.
#include "stage/opening_margin.h"

#include <algorithm>
#include <cmath>

namespace mascing {
namespace {

constexpr double kLeastMass = 1e-12;  // that is left to other replies than those of the openings

/// log sum exp of values [first, end), whose shares of the sum, times `factor`, are added to those
/// places of `d_values`.
double log_sum_exp(const std::vector<double>& values,
                   int64_t first,
                   int64_t end,
                   double factor,
                   std::vector<double>& d_values) {
  const double top = *std::max_element(values.begin() + first, values.begin() + end);
  if (!std::isfinite(top)) {
    return top;
  }
  double sum = 0.0;
  for (int64_t i = first; i < end; ++i) {
    sum += std::exp(values[i] - top);
  }
  for (int64_t i = first; i < end; ++i) {
    d_values[i] += factor * std::exp(values[i] - top) / sum;
  }
  return top + std::log(sum);
}

}  // namespace

double opening_margin(const std::vector<double>& log_prob,
                      int64_t n_wanted,
                      std::vector<double>* d_log_prob) {
  const int64_t n = std::ssize(log_prob);
  std::vector<double> slope(log_prob.size(), 0.0);
  double margin = 0.0;
  if (n_wanted > 0 && n_wanted < n) {
    margin = log_sum_exp(log_prob, 0, n_wanted, 1.0, slope);
    margin -= log_sum_exp(log_prob, n_wanted, n, -1.0, slope);
  } else {
    // log q - log(1 - q): its slope by log q is 1 / (1 - q).
    const double sign = n_wanted == 0 ? -1.0 : 1.0;
    const double log_q = std::min(log_sum_exp(log_prob, 0, n, sign, slope), -kLeastMass);
    const double rest = -std::expm1(log_q);
    std::for_each(slope.begin(), slope.end(), [&](double& share) { share /= rest; });
    margin = sign * (log_q - std::log(rest));
  }
  if (d_log_prob != nullptr) {
    *d_log_prob = std::move(slope);
  }
  return margin;
}

}  // namespace mascing
