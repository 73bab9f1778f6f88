// Plot of the closed loop: measurements per step.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Top: the wanted share of the set `target` on an axis from 0 to 1. Bottom: every other value
/// relative to its limit, so that drops and divergences share an axis. The steps averaged into the
/// mask are shaded. Empty if there are fewer than two steps.
[[nodiscard]] std::string loop_plot(const LoopResult& loop, const std::string& target);

}  // namespace mascing
