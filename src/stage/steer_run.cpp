// With patience the best S so far is the result, without it the last one.
#include "stage/steer_run.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/numeric.h"
#include "mascing/error.h"
#include "stage/steer_checks.h"

namespace mascing {
namespace {

double l1_norm(const std::vector<float>& steer) {
  double sum = 0.0;
  for (float value : steer) {
    sum += std::abs(double{value});
  }
  return sum;
}

/// Adds lambda * sign(S), with sign(0) = 0, to the gradient.
void add_l1_subgradient(double lambda,
                        const std::vector<float>& steer,
                        std::vector<float>& d_steer) {
  const float step = to_float(lambda);
  for (size_t i = 0; i < steer.size(); ++i) {
    if (steer[i] != 0.0F) {
      d_steer[i] += std::copysign(step, steer[i]);
    }
  }
}

}  // namespace

SteerRun::SteerRun(const SteerCell& cell, int64_t n_value)
    : cell_(cell),
      steer_(n_value, 0.0F),
      d_steer_(n_value, 0.0F),
      adam_(n_value, {.learning_rate = cell.options.learning_rate}) {}

bool SteerRun::is_same_but_length(const SteerCell& cell) const {
  const SteerOptions& a = cell_.options;
  const SteerOptions& b = cell.options;
  return cell_.i_surrogate == cell.i_surrogate && a.target == b.target && a.lambda == b.lambda &&
         a.learning_rate == b.learning_rate && a.n_batch == b.n_batch &&
         a.threshold == b.threshold && a.sigma_rule == b.sigma_rule && a.preserve == b.preserve &&
         a.seed == b.seed && a.optimizer == b.optimizer && a.preserve_reach == b.preserve_reach &&
         a.validation_share == b.validation_share && a.n_patience == b.n_patience;
}

void SteerRun::add_result(int64_t i_cell, int64_t n_epoch) {
  due_.emplace_back(n_epoch, i_cell);
}

float* SteerRun::start_step() {
  std::fill(d_steer_.begin(), d_steer_.end(), 0.0F);
  return d_steer_.data();
}

void SteerRun::step(double loss, double loss_share, double divergence, double divergence_share) {
  epoch_.loss += loss * loss_share;
  epoch_.preserve += divergence * divergence_share;
  const double lambda = cell_.options.lambda;
  if (cell_.options.optimizer == SteerOptimizer::kProximal) {
    adam_.proximal_step(d_steer_.data(), lambda, steer_.data());
    return;
  }
  add_l1_subgradient(lambda, steer_, d_steer_);
  adam_.step(d_steer_.data(), steer_.data());
}

void SteerRun::finish_epoch(double validation_loss) {
  const bool is_finite =
      std::all_of(steer_.begin(), steer_.end(), [](float value) { return std::isfinite(value); });
  if (!is_finite || !std::isfinite(epoch_.loss)) {
    throw Error(ErrorKind::kBadInput,
                "[steer] the steering matrix is no longer finite in epoch " +
                    std::to_string(epochs_.size() + 1),
                "lower the learning rate, or check the surrogate's report");
  }
  epoch_.l1 = l1_norm(steer_);
  epoch_.validation_loss = validation_loss;
  epoch_.n_active = std::ssize(steer_) - std::count(steer_.begin(), steer_.end(), 0.0F);
  epochs_.push_back(epoch_);
  epoch_ = {};
  const int64_t n_done = std::ssize(epochs_);
  const int64_t n_patience = cell_.options.n_patience;
  if (n_patience == 0 || n_done == 1 || validation_loss < epochs_[best_epoch_].validation_loss) {
    best_epoch_ = n_done - 1;
    best_ = steer_;
  }
  const bool is_stalled = n_patience > 0 && n_done - 1 - best_epoch_ >= n_patience;
  std::erase_if(due_, [&](const std::pair<int64_t, int64_t>& due) {
    const bool is_due = is_stalled || due.first == n_done;
    if (is_due) {
      results_.emplace_back(due.second, current());
    }
    return is_due;
  });
  is_finished_ = due_.empty();
}

SteerResult SteerRun::current() const {
  SteerResult result;
  result.steer = best_;
  apply_threshold(cell_.options.threshold, result.steer);
  result.epochs = epochs_;
  result.best_epoch = best_epoch_;
  return result;
}

}  // namespace mascing
