// The choice among the settings of a baseline, on the selection split and within the limits that
// masks have.
#pragma once

#include <cstddef>

#include "mascing/candidate_result.h"
#include "run/baseline_settings.h"
#include "search/constraint_check.h"

namespace mascing {

struct TunedBaseline {
  size_t i_setting = 0;
  CandidateResult result;  ///< what the selection split said of it
};

/// The setting with the best target rate of those that keep all limits; failing that, of those that
/// came furthest.
[[nodiscard]] TunedBaseline tune_baseline(const ConstraintChecker& constraints,
                                          const Baseline& baseline);

}  // namespace mascing
