// A mask that helps but breaks a limit at all strengths of the scenario may keep it at a smaller
// one.
#pragma once

#include <functional>
#include <vector>

#include "search/constraint_check.h"
#include "search/prefill_phase.h"
#include "search/trial.h"
#include "search/trial_evaluation.h"

namespace mascing {

/// By estimates: each mask that breaks a limit at all strengths tried so far goes on at weaker
/// ones, until one is not ruled out, which becomes a trial, or does not help any more.
/// `require_budget` throws BudgetSpent where no further trial may begin.
void try_weaker_by_estimates(const PrefillPhase& phase,
                             const std::vector<Candidate>& candidates,
                             const std::function<void()>& require_budget,
                             TrialTable& table,
                             Trials& trials);

/// By replies, if no trial keeps all limits: the one with the highest target rate goes on at weaker
/// strengths, until it keeps them or does not help any more.
void try_weaker_by_replies(const ConstraintChecker& constraints,
                           const std::vector<Candidate>& candidates,
                           const std::function<void()>& require_budget,
                           TrialTable& table,
                           Incumbent& incumbent);

}  // namespace mascing
