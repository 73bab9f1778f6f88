// An output folder that holds a run's inputs.
#pragma once

#include <string>

#include "mascing/scenario.h"

namespace mascing {

/// Throws Error{kUsage} if a file of the scenario has the place of one that a run writes.
void refuse_own_inputs(const Scenario& scenario, const std::string& output);

}  // namespace mascing
