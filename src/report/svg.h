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

/// What a grid of squares is called and what its colours mean.
struct HeatmapWords {
  std::string id;     ///< of the picture, unique on the page
  std::string title;  ///< for those who cannot see it, as is `about`
  std::string about;
  std::string below;  ///< what a value below zero means
  std::string above;
  std::string unit;
};

struct HeatmapNote {
  std::string text;        ///< follows the value in the tooltip
  bool is_ringed = false;  ///< the square gets a ring
};

/// A matrix `values` [L, n_expert] (row-major): a square per entry that is not zero, blue below and
/// orange above zero, the more opaque the larger; its layer, expert and value as a tooltip. `notes`
/// is empty or has one for each entry. Empty if there are no full rows.
[[nodiscard]] std::string heatmap(const HeatmapWords& words,
                                  const std::vector<float>& values,
                                  int64_t n_expert,
                                  const std::vector<HeatmapNote>& notes);

/// The steering matrix `steer` [L, E] as such a map; empty if the sizes do not agree.
[[nodiscard]] std::string steering_heatmap(const std::vector<float>& steer,
                                           int64_t n_layer,
                                           int64_t n_expert);

}  // namespace mascing
