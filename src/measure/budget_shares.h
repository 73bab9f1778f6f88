// Shares of a search budget (mascing/budget.h) per step.
#pragma once

#include "measure/cached_evaluator.h"

namespace mascing {

/// Shares of a budget: the part for making masks before selection starts, and the part after which
/// selection continues with the trials it has.
inline constexpr double kMapShare = 0.2;  ///< share of that for the effect map
inline constexpr double kCostShare =
    0.25;  ///< share of that for the map and the costs of entries together
inline constexpr double kMaskShare = 0.6;
inline constexpr double kTrialShare = 0.8;

/// During its lifetime a call that is still running when the share is spent ends with BudgetSpent.
class BudgetShare {
 public:
  BudgetShare(CachedEvaluator& evaluator, double share)
      : evaluator_(evaluator), before_(evaluator.set_share(share)) {}
  ~BudgetShare() { evaluator_.set_share(before_); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

 private:
  CachedEvaluator& evaluator_;
  double before_;
};

}  // namespace mascing
