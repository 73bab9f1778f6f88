// The second phase of the choice: replies are generated for the finalists, in rounds that ask more
// of fewer trials.
#pragma once

#include <vector>

#include "mascing/search_result.h"
#include "search/constraint_check.h"
#include "search/prefill_estimate.h"
#include "search/trial.h"
#include "search/trial_evaluation.h"

namespace mascing {

/// Margins of target conversations whose replies were generated, and what became of them.
struct MarginSample {
  std::vector<double> margins;
  std::vector<int> wanted;

  void add(const MarginSample& other);
};

/// Of `replies` to the first conversations of the target set, under `steering`.
[[nodiscard]] MarginSample margins_of(const ConstraintChecker& constraints,
                                      const PrefillEstimator& estimator,
                                      const Steering& steering,
                                      const std::vector<AskedReply>& replies);

/// How well the margins predict the replies.
[[nodiscard]] OutcomeResult predict_outcome(const MarginSample& sample);

struct HalvingResult {
  Incumbent incumbent;
  MarginSample sample;  ///< of the trials that were asked about the whole target set
};

/// Some of the target set for all trials; all of it for the better half; the limits for one after
/// the other until one keeps them. Those that were left behind are taken up again if none does.
[[nodiscard]] HalvingResult halve_successively(const ConstraintChecker& constraints,
                                               const PrefillEstimator& estimator,
                                               Trials trials,
                                               TrialTable& table);

}  // namespace mascing
