// The picture of the trade-off.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Trials as points: damage to the right, the target's rate upwards; strengths of one mask are
/// joined, the Pareto set is a staircase, the choice is ringed, estimates are hollow. Empty with
/// fewer than two points.
[[nodiscard]] std::string trade_plot(const Results& results);

}  // namespace mascing
