// The report's pictures as inline SVG: they take their colours from the page's style sheet and need
// no script.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/results.h"
#include "report/numbers.h"

namespace mascing {

/// One row per metric: the interval without the mask above the interval with it, on an axis from 0
/// to 1.
[[nodiscard]] std::string interval_plot(const std::vector<NamedMetric>& metrics);

/// The steering matrix `steer` [L, E] (row-major): a square per entry that is not zero, blue below
/// and orange above zero, the more opaque the larger; its layer, expert and value as a tooltip.
/// Empty if the sizes do not agree.
[[nodiscard]] std::string steering_heatmap(const std::vector<float>& steer,
                                           int64_t n_layer,
                                           int64_t n_expert);

}  // namespace mascing
