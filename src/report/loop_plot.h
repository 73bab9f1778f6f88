// The closed loop as a picture: what the model answered from step to step.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Above: the wanted share of the set `target` on an axis from 0 to 1. Below: every other value in
/// units of its limit, so that falls and divergences share an axis. The steps whose mean is the
/// mask are shaded. Empty if there are fewer than two steps.
[[nodiscard]] std::string loop_plot(const LoopResult& loop, const std::string& target);

}  // namespace mascing
