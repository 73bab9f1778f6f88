// Which trial is taken once all have been measured.
#pragma once

#include <optional>
#include <vector>

#include "mascing/scenario.h"
#include "search/trial.h"
#include "search/trial_evaluation.h"

namespace mascing {

struct Choice {
  std::optional<size_t> i_trial;  ///< none: no trial is better within the hold sets' limits
  bool is_feasible = false;       ///< it keeps all other limits, too
};

/// The feasible trial with the least damage among those whose target rate lies in the interval of
/// the incumbent; without a feasible one, the best rate among those that keep the hold sets.
[[nodiscard]] Choice choose_trial(const TrialTable& table,
                                  const Incumbent& incumbent,
                                  const Scenario& scenario);

}  // namespace mascing
