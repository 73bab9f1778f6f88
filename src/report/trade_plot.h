// Plot of the trade-off.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Trials as points, with damage on the x axis and the target rate on the y axis. Strengths of one
/// mask are joined, the Pareto set is a staircase, the chosen mask is ringed, estimates are hollow.
/// Empty with fewer than two points.
[[nodiscard]] std::string trade_plot(const Results& results);

}  // namespace mascing
