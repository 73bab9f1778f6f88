// The report's plots as inline SVG, coloured by the page's style sheet and free of scripts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/results.h"
#include "report/numbers.h"

namespace mascing {

/// One row per metric with the interval without the mask above the one with it, on an axis from 0
/// to 1.
[[nodiscard]] std::string interval_plot(const std::vector<NamedMetric>& metrics);

/// Title and colour legend of a grid of squares.
struct HeatmapWords {
  std::string id;     ///< id of the plot, unique on the page
  std::string title;  ///< for screen readers, like `about`
  std::string about;
  std::string below;  ///< meaning of a value below zero
  std::string above;
  std::string unit;
};

struct HeatmapNote {
  std::string text;        ///< shown after the value in the tooltip
  bool is_ringed = false;  ///< draw a ring in the square
};

/// A matrix `values` [L, n_expert] (row-major) as one square per non-zero entry, blue below and
/// orange above zero, opacity by magnitude, with layer, expert and value as a tooltip. `notes` is
/// empty or has one note per entry. Empty if there are no full rows.
[[nodiscard]] std::string heatmap(const HeatmapWords& words,
                                  const std::vector<float>& values,
                                  int64_t n_expert,
                                  const std::vector<HeatmapNote>& notes);

/// The steering matrix `steer` [L, E] as such a map; empty if the sizes do not match.
[[nodiscard]] std::string steering_heatmap(const std::vector<float>& steer,
                                           int64_t n_layer,
                                           int64_t n_expert);

}  // namespace mascing
