// Adam on the steering matrix through the frozen surrogate (method.md, step 4), and the baseline
// that needs no surrogate. Means over traces take the mean over a conversation's tokens first and
// then over conversations, so that long conversations do not outweigh short ones.
#include "mascing/steer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "base/random.h"
#include "mascing/error.h"
#include "nn/adam.h"
#include "nn/surrogate.h"
#include "stage/ragged_traces.h"
#include "stage/steer_objective.h"

namespace mascing {
namespace {

void require(bool is_met, const std::string& what) {
  if (!is_met) {
    throw Error(ErrorKind::kUsage, "[steer] " + what);
  }
}

bool is_at_least_zero(double value) {
  return std::isfinite(value) && value >= 0.0;
}

void check_options(const SteerOptions& options) {
  require(options.target == 0 || options.target == 1, "the target must be 0 or 1");
  require(is_at_least_zero(options.lambda), "lambda must be at least 0");
  require(is_at_least_zero(options.threshold), "the threshold must be at least 0");
  require(is_at_least_zero(options.preserve), "the weight of `preserve` must be at least 0");
  require(is_at_least_zero(options.learning_rate) && options.learning_rate > 0.0,
          "the learning rate must be above 0");
  require(options.n_epoch >= 1, "the number of epochs must be at least 1");
  require(options.n_batch >= 1, "the batch size must be at least 1");
  require(options.n_thread >= 1, "the number of threads must be at least 1");
}

void check_shape(const Surrogate& surrogate, const TraceSet& set) {
  check_surrogate(surrogate);
  const SurrogateShape& shape = surrogate.shape;
  if (shape.n_layer != set.n_layer || shape.n_expert != set.n_expert) {
    throw Error(ErrorKind::kMismatch,
                "[steer] the surrogate reads " + std::to_string(shape.n_layer) + " layers of " +
                    std::to_string(shape.n_expert) + " experts, the traces have " +
                    std::to_string(set.n_layer) + " of " + std::to_string(set.n_expert),
                "use the surrogate that was trained on traces of this model");
  }
}

/// Both lists, each number once.
std::vector<int64_t> traces_read(const SteerTraces& traces) {
  std::vector<int64_t> all = traces.target;
  all.insert(all.end(), traces.preserve.begin(), traces.preserve.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void apply_threshold(double threshold, std::vector<float>& steer) {
  for (float& value : steer) {
    if (std::abs(static_cast<double>(value)) <= threshold) {
      value = 0.0F;
    }
  }
}

double l1_norm(const std::vector<float>& steer) {
  double sum = 0.0;
  for (float value : steer) {
    sum += std::abs(static_cast<double>(value));
  }
  return sum;
}

/// Adds lambda * sign(S), with sign(0) = 0, to the gradient.
void add_l1_subgradient(double lambda,
                        const std::vector<float>& steer,
                        std::vector<float>& d_steer) {
  const auto step = static_cast<float>(lambda);
  for (size_t i = 0; i < steer.size(); ++i) {
    if (steer[i] != 0.0F) {
      d_steer[i] += std::copysign(step, steer[i]);
    }
  }
}

/// An endless series of batches of shuffled traces: every trace once before any twice.
class BatchDeck {
 public:
  BatchDeck(std::vector<int64_t> traces, int64_t n_batch, uint64_t seed)
      : traces_(std::move(traces)), n_batch_(n_batch), rng_(seed) {
    rng_.shuffle(traces_);
  }

  /// At most n_batch traces; the last batch before a new shuffle may be smaller.
  std::vector<int64_t> draw() {
    const auto n_trace = static_cast<int64_t>(traces_.size());
    if (next_ >= n_trace) {
      rng_.shuffle(traces_);
      next_ = 0;
    }
    const int64_t end = std::min(n_trace, next_ + n_batch_);
    std::vector<int64_t> batch(traces_.begin() + next_, traces_.begin() + end);
    next_ = end;
    return batch;
  }

 private:
  std::vector<int64_t> traces_;
  int64_t n_batch_;
  Rng rng_;
  int64_t next_ = 0;
};

/// The state of one optimisation.
class Optimiser {
 public:
  Optimiser(const Surrogate& surrogate,
            const TraceSet& set,
            const SteerTraces& traces,
            const SteerOptions& options)
      : options_(options),
        n_target_(static_cast<int64_t>(traces.target.size())),
        has_preserve_(options.preserve > 0.0 && !traces.preserve.empty()),
        objective_(surrogate, set, options.n_thread),
        target_deck_(traces.target, options.n_batch, mix_seed(options.seed, 1)),
        preserve_deck_(traces.preserve, options.n_batch, mix_seed(options.seed, 2)),
        adam_(set.n_layer * set.n_expert, {.learning_rate = options.learning_rate}) {
    const std::vector<int64_t> read = traces_read(traces);
    result_.sigma = calibrate_sigma(set, read);
    result_.steer.assign(set.n_layer * set.n_expert, 0.0F);
    if (options.sigma_rule == SigmaRule::kToken) {
      objective_.use_token_sigma(read);
    } else {
      // A batch's spread is not known here; the calibrated one stands for it.
      objective_.use_layer_sigma(result_.sigma);
    }
  }

  SteerResult run(const Progress& progress) {
    for (int64_t i_epoch = 0; i_epoch < options_.n_epoch; ++i_epoch) {
      const SteerEpoch epoch = run_epoch();
      result_.epochs.push_back(epoch);
      char note[120];
      std::snprintf(note,
                    sizeof note,
                    "loss %.4f, divergence %.4f, |S| %.3f",
                    epoch.loss,
                    epoch.preserve,
                    epoch.l1);
      report(progress, {"steer", i_epoch + 1, options_.n_epoch, "epochs", note});
    }
    apply_threshold(options_.threshold, result_.steer);
    return std::move(result_);
  }

 private:
  SteerEpoch run_epoch() {
    SteerEpoch epoch;
    const int64_t n_step = (n_target_ + options_.n_batch - 1) / options_.n_batch;
    for (int64_t i_step = 0; i_step < n_step; ++i_step) {
      d_steer_.assign(result_.steer.size(), 0.0F);
      const std::vector<int64_t> batch = target_deck_.draw();
      const double loss =
          objective_.surrogate_loss(batch, options_.target, result_.steer, d_steer_);
      epoch.loss += loss * static_cast<double>(batch.size()) / static_cast<double>(n_target_);
      if (has_preserve_) {
        epoch.preserve += objective_.divergence(
                              preserve_deck_.draw(), options_.preserve, result_.steer, d_steer_) /
                          static_cast<double>(n_step);
      }
      add_l1_subgradient(options_.lambda, result_.steer, d_steer_);
      adam_.step(d_steer_.data(), result_.steer.data());
      check_finite();
    }
    epoch.l1 = l1_norm(result_.steer);
    return epoch;
  }

  void check_finite() const {
    for (float value : result_.steer) {
      if (!std::isfinite(value)) {
        throw Error(ErrorKind::kBadInput,
                    "[steer] the steering matrix is not finite any more in epoch " +
                        std::to_string(result_.epochs.size() + 1),
                    "lower the learning rate, or look at the surrogate's report");
      }
    }
  }

  const SteerOptions& options_;
  int64_t n_target_;
  bool has_preserve_;
  SteerObjective<float> objective_;
  BatchDeck target_deck_;
  BatchDeck preserve_deck_;
  nn::Adam<float> adam_;
  std::vector<float> d_steer_;
  SteerResult result_;
};

/// Mean logits over the tokens of a conversation, then over conversations. [L, E]
std::vector<double> mean_logits(const TraceSet& set, const std::vector<int64_t>& traces) {
  const int64_t n_token_size = set.n_layer * set.n_expert;
  std::vector<double> mean(n_token_size, 0.0);
  std::vector<float> z(n_token_size);
  for (int64_t i_trace : traces) {
    const int64_t n_token = set.traces[i_trace].n_token;
    const double weight = 1.0 / (static_cast<double>(n_token) * static_cast<double>(traces.size()));
    for (int64_t i_token = 0; i_token < n_token; ++i_token) {
      read_token<float>(set, i_trace, i_token, z.data());
      for (int64_t i = 0; i < n_token_size; ++i) {
        mean[i] += weight * static_cast<double>(z[i]);
      }
    }
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
    return static_cast<float>(scale * value);
  });
  return steer;
}

}  // namespace

std::vector<float> calibrate_sigma(const TraceSet& set, const std::vector<int64_t>& traces) {
  if (traces.empty()) {
    throw Error(ErrorKind::kInsufficient, "[steer] no trace to calibrate sigma on");
  }
  check_traces(set, traces, "steer");
  std::vector<double> mean(set.n_layer, 0.0);
  for (int64_t i_trace : traces) {
    const std::vector<float> sigma = token_sigma(set, i_trace);
    const double weight = 1.0 / (static_cast<double>(set.traces[i_trace].n_token) *
                                 static_cast<double>(traces.size()));
    for (size_t i = 0; i < sigma.size(); ++i) {
      mean[i % mean.size()] += weight * static_cast<double>(sigma[i]);
    }
  }
  return {mean.begin(), mean.end()};
}

SteerResult optimise_steering(const Surrogate& surrogate,
                              const TraceSet& set,
                              const SteerTraces& traces,
                              const SteerOptions& options,
                              const Progress& progress) {
  check_options(options);
  if (traces.target.empty()) {
    throw Error(
        ErrorKind::kInsufficient,
        "[steer] no trace of the class to leave (label " + std::to_string(1 - options.target) + ")",
        "collect conversations with this label, or look at the judge's labels");
  }
  check_shape(surrogate, set);
  check_traces(set, traces_read(traces), "steer");
  return Optimiser(surrogate, set, traces, options).run(progress);
}

SteerResult mean_difference(const TraceSet& set, int target, double norm, double threshold) {
  require(target == 0 || target == 1, "the target must be 0 or 1");
  require(is_at_least_zero(norm), "the norm must be at least 0");
  require(is_at_least_zero(threshold), "the threshold must be at least 0");
  const std::vector<int64_t> target_traces = traces_with_label(set, target);
  const std::vector<int64_t> other_traces = traces_with_label(set, 1 - target);
  if (target_traces.empty() || other_traces.empty()) {
    throw Error(
        ErrorKind::kInsufficient,
        "[steer] the mean difference needs both classes: " + std::to_string(target_traces.size()) +
            " traces with label " + std::to_string(target) + " and " +
            std::to_string(other_traces.size()) + " with label " + std::to_string(1 - target),
        "collect conversations of the missing class, or look at the judge's labels");
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
