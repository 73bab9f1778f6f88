// The report's words and tables on what the mask does to the routing.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML within the section of the mask: what was looked at, how much changed in each layer, and the
/// experts whose selection rates changed most. One sentence if nothing was measured for a reason;
/// empty for results of earlier versions and of runs without a mask.
[[nodiscard]] std::string routing_part(const Results& results);

}  // namespace mascing
