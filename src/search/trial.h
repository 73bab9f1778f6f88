// Masks at strengths that are still in the running, and which of them go on.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "mascing/results.h"
#include "mascing/steering.h"

namespace mascing {

struct Trial {
  size_t i_trial = 0;
  Steering steering;
  std::string what;  ///< names it in progress reports
};

using Trials = std::vector<Trial>;
using RateOf = std::function<double(const Trial&)>;

/// Takes `n` of `waiting`, in turn the one with the highest rate and the gentlest (least divergence
/// on benign replies) of those whose rate is at least `near`. The others stay.
[[nodiscard]] Trials take_promising(Trials& waiting,
                                    const std::vector<CandidateResult>& results,
                                    size_t n,
                                    const RateOf& rate,
                                    double near);

/// In the order of choice: the gentlest first of those whose rate is at least `near`, then the
/// others by rate.
void order_by_choice(Trials& trials,
                     const std::vector<CandidateResult>& results,
                     const RateOf& rate,
                     double near);

}  // namespace mascing
