// The first phase of the choice: every mask at every strength is estimated from one prefill per
// conversation, and the finalists are what the estimates find most promising.
#pragma once

#include <string>
#include <vector>

#include "search/constraint_check.h"
#include "search/prefill_estimate.h"
#include "search/trial.h"

namespace mascing {

/// What the estimates of masks are compared with and limited by.
struct PrefillPhase {
  const EvalContext& context;
  const ConstraintChecker& constraints;
  const PrefillEstimator& estimator;
  PrefillEstimate base_quarter;  ///< without a mask
  PrefillEstimate base_whole;
};

/// Asks the unsteered model. All references must outlive what is returned.
[[nodiscard]] PrefillPhase begin_prefill_phase(const EvalContext& context,
                                               const ConstraintChecker& constraints,
                                               const PrefillEstimator& estimator);

/// Estimates a trial from a quarter of the conversations, from all of them if it seems perfect, and
/// enters into the table what rules it out. Returns the target's estimated rate.
double estimate_trial(const PrefillPhase& phase, const Trial& trial, TrialTable& table);

/// The same from all of them.
void estimate_wholly(const PrefillPhase& phase, const Trial& trial, TrialTable& table);

/// The better half of the trials, estimated from all conversations; those that this rules out are
/// left out.
[[nodiscard]] Trials full_estimates(const PrefillPhase& phase, Trials trials, TrialTable& table);

/// The `n` most promising trials by their estimates.
[[nodiscard]] Trials take_finalists(const PrefillPhase& phase,
                                    Trials trials,
                                    size_t n,
                                    TrialTable& table);

}  // namespace mascing
