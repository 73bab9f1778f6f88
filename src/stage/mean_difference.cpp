// The mean-difference baseline and the calibrated sigma. Values are averaged over the tokens of a
// conversation first and then over conversations, so that long conversations do not outweigh short
// ones.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/numeric.h"
#include "mascing/error.h"
#include "mascing/steer.h"
#include "stage/ragged_traces.h"
#include "stage/steer_checks.h"

namespace mascing {
namespace {

/// Mean logits over the tokens of a conversation, then over conversations. [L, E]
std::vector<double> mean_logits(const TraceSet& set, const std::vector<int64_t>& traces) {
  const int64_t n_token_size = set.n_layer * set.n_expert;
  std::vector<double> mean(n_token_size, 0.0);
  std::vector<float> z(n_token_size);
  for (int64_t i_trace : traces) {
    const int64_t n_token = set.traces[i_trace].n_token;
    const double weight = 1.0 / (to_double(n_token) * to_double(std::ssize(traces)));
    for (int64_t i_token = 0; i_token < n_token; ++i_token) {
      read_token<float>(set, i_trace, i_token, z.data());
      for (int64_t i = 0; i < n_token_size; ++i) {
        mean[i] += weight * z[i];
      }
    }
    release_trace(set, i_trace);
  }
  return mean;
}

/// Scales the direction to a Euclidean norm; the zero direction stays zero.
std::vector<float> scaled_to(double norm, const std::vector<double>& direction) {
  double square = 0.0;
  for (double value : direction) {
    square += value * value;
  }
  const double scale = square > 0.0 ? norm / std::sqrt(square) : 0.0;
  std::vector<float> steer(direction.size());
  std::transform(direction.begin(), direction.end(), steer.begin(), [&](double value) {
    return to_float(scale * value);
  });
  return steer;
}

}  // namespace

std::vector<float> calibrate_sigma(const TraceSet& set, const std::vector<int64_t>& traces) {
  if (traces.empty()) {
    throw Error(ErrorKind::kInsufficient, "[steer] no trace to calibrate sigma on");
  }
  check_traces(set, traces, "steer");
  return calibrated_sigma(set, traces);
}

SteerResult mean_difference(const TraceSet& set, int target, double norm, double threshold) {
  require_steer(target == 0 || target == 1, "the target must be 0 or 1");
  require_steer(is_at_least_zero(norm), "the norm must be at least 0");
  require_steer(is_at_least_zero(threshold), "the threshold must be at least 0");
  const std::vector<int64_t> target_traces = traces_with_label(set, target);
  const std::vector<int64_t> other_traces = traces_with_label(set, 1 - target);
  if (target_traces.empty() || other_traces.empty()) {
    throw Error(
        ErrorKind::kInsufficient,
        "[steer] the mean difference needs both classes: " + std::to_string(target_traces.size()) +
            " traces with label " + std::to_string(target) + " and " +
            std::to_string(other_traces.size()) + " with label " + std::to_string(1 - target),
        "collect conversations of the missing class, or check the judge's labels");
  }
  SteerResult result;
  result.sigma = calibrate_sigma(set, traces_read({target_traces, other_traces}));
  std::vector<double> direction = mean_logits(set, target_traces);
  const std::vector<double> other = mean_logits(set, other_traces);
  for (size_t i = 0; i < direction.size(); ++i) {
    const double sigma = result.sigma[i / set.n_expert];
    direction[i] = sigma > 0.0 ? (direction[i] - other[i]) / sigma : 0.0;
  }
  result.steer = scaled_to(norm, direction);
  apply_threshold(threshold, result.steer);
  return result;
}

}  // namespace mascing
