// An output folder that holds a run's inputs.
#pragma once

#include <string>

#include "mascing/scenario.h"

namespace mascing {

/// Throws Error{kUsage} if a file of the scenario has the place of one that a run writes, or an
/// evaluation, which makes no masks.
void refuse_own_inputs(const Scenario& scenario, bool makes_masks, const std::string& output);

}  // namespace mascing
