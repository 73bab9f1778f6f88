// Log-normaliser of a softmax: terms are exponentiated in float and summed in double.
#include "host/llama/logits.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr double kLeastMass = 1e-12;  // of the tokens that are taken as one

}  // namespace

double log_sum_exp(const float* row, int64_t n) {
  const float top = *std::max_element(row, row + n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += std::exp(row[i] - top);
  }
  return top + std::log(sum);
}

TopRow top_row(const float* row, int64_t n, int64_t n_top) {
  const double norm = log_sum_exp(row, n);
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + n_top, order.end(), [&](int32_t a, int32_t b) {
    return row[a] != row[b] ? row[a] > row[b] : a < b;
  });
  TopRow top;
  double rest = 1.0;
  for (int64_t i = 0; i < n_top; ++i) {
    const double log_prob = row[order[i]] - norm;
    top.tokens.push_back(order[i]);
    top.log_probs.push_back(to_float(log_prob));
    rest -= std::exp(log_prob);
  }
  top.rest = to_float(std::log(std::max(rest, kLeastMass)));
  return top;
}

double divergence(const TopRow& p, const float* q, int64_t n) {
  const double norm = log_sum_exp(q, n);
  double rest_q = 1.0;
  double sum = 0.0;
  for (size_t i = 0; i < p.tokens.size(); ++i) {
    const double log_p = p.log_probs[i];
    const double log_q = q[p.tokens[i]] - norm;
    sum += std::exp(log_p) * (log_p - log_q);
    rest_q -= std::exp(log_q);
  }
  const double log_rest = p.rest;
  sum += std::exp(log_rest) * (log_rest - std::log(std::max(rest_q, kLeastMass)));
  return std::max(0.0, sum);
}

double divergence(const float* p, const float* q, int64_t n) {
  const double norm_p = log_sum_exp(p, n);
  const double norm_q = log_sum_exp(q, n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    const double log_p = p[i] - norm_p;
    sum += std::exp(log_p) * (log_p - (q[i] - norm_q));
  }
  return std::max(0.0, sum);
}

}  // namespace mascing
