// Counts, means and draws, each in one pass.
#include "stage/baseline_masks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"
#include "stage/ragged_traces.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

/// Adds 1 for every layer and chosen expert of a token: fewer than K others are larger than what is
/// at least as large as the K-th.
void count_choices(const TraceSet& set, const std::vector<float>& z, std::vector<double>& count) {
  const int64_t k = std::min(set.n_expert_used, set.n_expert);
  std::vector<float> sorted(set.n_expert);
  for (int64_t l = 0; k > 0 && l < set.n_layer; ++l) {
    const float* row = z.data() + l * set.n_expert;
    std::copy_n(row, set.n_expert, sorted.begin());
    const auto kth = sorted.begin() + (k - 1);
    std::nth_element(sorted.begin(), kth, sorted.end(), std::greater<float>());
    for (int64_t e = 0; e < set.n_expert; ++e) {
      count[l * set.n_expert + e] += row[e] >= *kth ? 1.0 : 0.0;
    }
  }
}

/// Share of the tokens of a class that choose each expert.
std::vector<double> use_of_experts(const TraceSet& set, int label) {
  const std::vector<int64_t> traces = traces_with_label(set, label);
  if (traces.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[baselines] no trace with label " + std::to_string(label) +
                    ", the use of experts cannot be compared",
                "collect conversations of the missing class");
  }
  check_traces(set, traces, "baselines");
  std::vector<float> z(set.n_layer * set.n_expert);
  std::vector<double> share(z.size(), 0.0);
  double n_token = 0.0;
  for (const int64_t i : traces) {
    for (int64_t t = 0; t < set.traces[i].n_token; ++t) {
      read_token(set, i, t, z.data());
      count_choices(set, z, share);
      n_token += 1.0;
    }
  }
  for (double& value : share) {
    value /= n_token;
  }
  return share;
}

std::vector<double> mean_of(const std::vector<Residual>& residuals, size_t n_value) {
  std::vector<double> mean(n_value, 0.0);
  for (const Residual& residual : residuals) {
    if (residual.values.size() != n_value) {
      throw Error(ErrorKind::kMismatch,
                  "[baselines] a residual stream has " + std::to_string(residual.values.size()) +
                      " values, expected " + std::to_string(n_value));
    }
    for (size_t i = 0; i < n_value; ++i) {
      mean[i] += residual.values[i] / to_double(std::ssize(residuals));
    }
  }
  return mean;
}

}  // namespace

std::vector<double> risk_difference(const TraceSet& set) {
  std::vector<double> difference = use_of_experts(set, 0);
  const std::vector<double> other = use_of_experts(set, 1);
  for (size_t i = 0; i < difference.size(); ++i) {
    difference[i] -= other[i];
  }
  return difference;
}

std::vector<float> forced_experts(const std::vector<double>& difference, int64_t n) {
  std::vector<size_t> order(difference.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::fabs(difference[a]) > std::fabs(difference[b]);
  });
  std::vector<float> steer(difference.size(), 0.0F);
  for (int64_t k = 0; k < std::min<int64_t>(n, std::ssize(order)); ++k) {
    const double value = difference[order[k]];
    steer[order[k]] = value > 0.0 ? 1.0F : value < 0.0 ? -1.0F : 0.0F;
  }
  return steer;
}

std::vector<float> random_steer(int64_t n_entry, double norm, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> draws(n_entry);
  double sum = 0.0;
  for (double& draw : draws) {
    draw = rng.normal();
    sum += draw * draw;
  }
  std::vector<float> steer;
  steer.reserve(draws.size());
  for (const double draw : draws) {
    steer.push_back(to_float(sum > 0.0 ? draw * norm / std::sqrt(sum) : 0.0));
  }
  return steer;
}

ControlVector mean_residual_difference(const std::vector<Residual>& wanted,
                                       const std::vector<Residual>& unwanted) {
  if (wanted.empty() || unwanted.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[baselines] the mean difference of the residual stream needs both classes: " +
                    std::to_string(wanted.size()) + " wanted and " +
                    std::to_string(unwanted.size()) + " unwanted");
  }
  ControlVector control{wanted.front().n_block, wanted.front().n_embd, {}};
  const std::vector<double> to = mean_of(wanted, wanted.front().values.size());
  const std::vector<double> from = mean_of(unwanted, to.size());
  for (size_t i = 0; i < to.size(); ++i) {
    control.direction.push_back(to_float(to[i] - from[i]));
  }
  return control;
}

ControlVector only_block(const ControlVector& control, int64_t i_block) {
  ControlVector only = control;
  for (int64_t i = 0; i < std::ssize(only.direction); ++i) {
    if (i / only.n_embd != i_block) {
      only.direction[i] = 0.0F;
    }
  }
  return only;
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) {
    throw Error(ErrorKind::kInsufficient, "[baselines] no values to describe");
  }
  std::sort(values.begin(), values.end());
  const double n = to_double(std::ssize(values));
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0.0;
  for (const double value : values) {
    sum += (value - mean) * (value - mean);
  }
  return {mean,
          values.size() > 1 ? std::sqrt(sum / (n - 1.0)) : 0.0,
          values.front(),
          quantile(values, 0.25),
          quantile(values, 0.5),
          quantile(values, 0.75),
          values.back()};
}

double rank_p_value(const std::vector<double>& values, double value) {
  const int64_t n_reach = std::count_if(
      values.begin(), values.end(), [&](double other) { return other >= value - 1e-12; });
  return (1.0 + to_double(n_reach)) / (1.0 + to_double(std::ssize(values)));
}

}  // namespace mascing
