// Shares of a search budget (mascing/budget.h) per step.
#pragma once

namespace mascing {

/// Shares of a budget: the part for making masks before selection starts, and the part after which
/// selection continues with the trials it has.
inline constexpr double kMapShare = 0.2;  ///< share of that for the effect map
inline constexpr double kCostShare =
    0.25;  ///< share of that for the map and the costs of entries together
inline constexpr double kMaskShare = 0.6;
inline constexpr double kTrialShare = 0.8;

}  // namespace mascing
