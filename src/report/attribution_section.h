// The section of the report about which experts bring about the mask's effect.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Empty if nothing was attributed.
[[nodiscard]] std::string attribution_section(const Results& results);

}  // namespace mascing
