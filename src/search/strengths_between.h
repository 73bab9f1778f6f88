// A mask that keeps all limits at one strength and breaks one at the next may keep them, and help
// more, in between.
#pragma once

#include <functional>
#include <vector>

#include "search/constraint_check.h"
#include "search/trial.h"
#include "search/trial_evaluation.h"

namespace mascing {

/// By replies: if a trial that breaks a limit helps clearly more than the incumbent, its mask goes
/// on between this strength and the next weaker one that is not known to break a limit; the gap is
/// halved twice. Nothing is tried without an incumbent. `require_budget` throws BudgetSpent where
/// no further trial may begin.
void try_between_by_replies(const ConstraintChecker& constraints,
                            const std::vector<Candidate>& candidates,
                            const std::function<void()>& require_budget,
                            TrialTable& table,
                            Incumbent& incumbent);

}  // namespace mascing
