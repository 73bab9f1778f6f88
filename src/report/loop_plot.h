// Plot of the closed loop: measurements per step.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// A value of a step: the target's wanted share as a rate, the drop of another set in points, and
/// what texts are measured in (their names have spaces: "general text") as it is.
[[nodiscard]] std::string loop_value_text(const std::string& name, bool is_target, double value);

/// Top: the wanted share of the set `target` on an axis from 0 to 100 %. Bottom: every other value
/// relative to its limit, so that drops and divergences share an axis. The steps averaged into the
/// mask are shaded. Empty if there are fewer than two steps.
[[nodiscard]] std::string loop_plot(const LoopResult& loop, const std::string& target);

}  // namespace mascing
