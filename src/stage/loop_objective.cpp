// Losses are steep where a set is still lost (softplus, sigmoid); values are close to counts, but
// without their jumps, so that limits can be compared with what a few answers show.
#include "stage/loop_objective.h"

#include <cmath>

namespace mascing {
namespace {

double softplus(double x) {
  return x > 30.0 ? x : std::log1p(std::exp(x));
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// With a steep slope nearly a count of margins above 0.
double wanted_share(const LoopSet& set, double margin) {
  return sigmoid(set.slope * margin);
}

}  // namespace

double loop_loss(const LoopSet& set, double y) {
  if (set.role == LoopRole::kGain) {
    return softplus(-y);
  }
  return (set.role == LoopRole::kKeep ? sigmoid(set.margin - y) : y) / set.limit;
}

double loop_slope(const LoopSet& set, double y) {
  if (set.role == LoopRole::kGain) {
    return -sigmoid(-y);
  }
  const double lost = sigmoid(set.margin - y);
  return (set.role == LoopRole::kKeep ? -lost * (1.0 - lost) : 1.0) / set.limit;
}

double loop_value(const LoopSet& set, int64_t i_item, double y) {
  if (set.role == LoopRole::kDamage) {
    return y;
  }
  const double share = wanted_share(set, y - set.margin);
  const bool is_gain = set.role == LoopRole::kGain;
  return is_gain ? share : wanted_share(set, set.base[i_item] - set.margin) - share;
}

double loop_violation(const LoopSet& set, double value) {
  return value / set.limit - 1.0;
}

}  // namespace mascing
