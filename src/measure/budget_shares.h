// How a search divides its budget (mascing/budget.h) among its steps.
#pragma once

namespace mascing {

/// Parts of a budget: what the search for masks may take before the choice among them begins, and
/// what may be gone before the choice goes on with the trials it has.
inline constexpr double kMapShare = 0.2;    ///< of that, what the effect map may take
inline constexpr double kCostShare = 0.25;  ///< likewise, map and costs of entries together
inline constexpr double kMaskShare = 0.6;
inline constexpr double kTrialShare = 0.8;

}  // namespace mascing
