#include "host/llama/tape/steer_gradient.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"

namespace mascing {
namespace {

struct Spread {
  double center = 0.0;
  double sigma = 0.0;
};

Spread spread_of(const float* values, int64_t n) {
  Spread spread;
  double square = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    spread.center += values[i] / to_double(n);
  }
  for (int64_t i = 0; i < n; ++i) {
    square += (values[i] - spread.center) * (values[i] - spread.center);
  }
  spread.sigma = std::sqrt(square / to_double(n));
  return spread;
}

/// z moves sigma = std(z), which is in the steps of all `n_value` values that share it: adds
/// pull (z - mean) / (n sigma) with pull = alpha sum dz' S.
void add_through_sigma(const float* z, int64_t n_value, double pull, float* d_z) {
  const Spread spread = spread_of(z, n_value);
  if (spread.sigma <= 0.0) {
    return;
  }
  for (int64_t i = 0; i < n_value; ++i) {
    d_z[i] += to_float(pull * (z[i] - spread.center) / (to_double(n_value) * spread.sigma));
  }
}

}  // namespace

std::vector<double> sigma_of_tokens(const Steering& steering, const RouterColumns& columns) {
  const Mask& mask = *steering.mask;
  std::vector<double> sigma(columns.n_token, mask.sigma[columns.layer]);
  if (mask.sigma_rule == SigmaRule::kBatch) {
    sigma.assign(columns.n_token, spread_of(columns.logits, columns.n_token * mask.n_expert).sigma);
  }
  for (int64_t t = 0; mask.sigma_rule == SigmaRule::kToken && t < columns.n_token; ++t) {
    sigma[t] = spread_of(columns.logits + t * mask.n_expert, mask.n_expert).sigma;
  }
  return sigma;
}

void differentiate_steering(const Steering& steering,
                            const RouterColumns& columns,
                            float* d_logits,
                            float* d_row) {
  const Mask& mask = *steering.mask;
  const int64_t n_expert = mask.n_expert;
  const float* steer = mask.row(columns.layer);
  const std::vector<double> sigma = sigma_of_tokens(steering, columns);
  std::vector<double> sum(n_expert, 0.0);
  std::vector<double> pull(sigma.size(), 0.0);
  double all_pull = 0.0;
  for (int64_t t = 0; t < columns.n_token; ++t) {
    const float* d_token = d_logits + t * n_expert;
    for (int64_t e = 0; e < n_expert; ++e) {
      sum[e] += steering.alpha * sigma[t] * d_token[e];
      pull[t] += to_scalar<double>(steering.alpha) * d_token[e] * steer[e];
    }
    all_pull += pull[t];
  }
  for (int64_t e = 0; e < n_expert; ++e) {
    d_row[e] += to_float(sum[e]);
  }
  if (mask.sigma_rule == SigmaRule::kBatch) {
    add_through_sigma(columns.logits, columns.n_token * n_expert, all_pull, d_logits);
  }
  for (int64_t t = 0; mask.sigma_rule == SigmaRule::kToken && t < columns.n_token; ++t) {
    add_through_sigma(columns.logits + t * n_expert, n_expert, pull[t], d_logits + t * n_expert);
  }
}

}  // namespace mascing
