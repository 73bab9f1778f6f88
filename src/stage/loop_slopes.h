// Where a step of the closed loop gets its gradients and values from: random pairs of masks, or one
// reverse pass for each question.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "stage/loop_plan.h"
#include "stage/outcome_gradient.h"

#include <Eigen/Core>

namespace mascing {

inline constexpr int64_t kItemsOfStep = 48;  ///< of exact gradients, over all sets, if not told

/// Running estimates for every set. Older answers, given around an older S, count less and less.
class LoopSlopes {
 public:
  LoopSlopes() = default;
  virtual ~LoopSlopes() = default;
  LoopSlopes(const LoopSlopes&) = delete;
  LoopSlopes& operator=(const LoopSlopes&) = delete;

  /// Asks the model at or around S, whose free entries are `s` [d]. `multipliers`: the weight of
  /// every set in the step that follows.
  virtual void measure(const std::vector<float>& s, const std::vector<double>& multipliers) = 0;
  /// Of the mean loss of a set by S, per unit of each entry, [d].
  [[nodiscard]] virtual Eigen::VectorXd gradient(int64_t i_set) const = 0;
  /// Mean value (`loop_value`) of a set at S; 0 before the first.
  [[nodiscard]] virtual double mean_value(int64_t i_set) const = 0;
  /// What was measured of a set no longer counts: its openings have changed.
  virtual void forget(int64_t i_set) = 0;
  /// Asked so far.
  [[nodiscard]] virtual int64_t n_question() const = 0;
};

/// Random masks +e and -e around S, one conversation for each pair, and ridge regression.
[[nodiscard]] std::unique_ptr<LoopSlopes> slopes_from_pairs(const LoopPlan& plan,
                                                            const AskModel& ask);

/// Exact gradients at S, averaged over a minibatch of every set. Items come in random order, each
/// once before any comes again.
[[nodiscard]] std::unique_ptr<LoopSlopes> exact_slopes(const LoopPlan& plan,
                                                       const AskGradients& ask);

}  // namespace mascing
