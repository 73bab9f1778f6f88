// The report's section on the choice among masks.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML, or an empty string without candidates.
[[nodiscard]] std::string candidates_section(const Results& results);

}  // namespace mascing
