// How to use the mask: the commands, with this run's file and strength.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML, or an empty string where no mask was written or its verdict is not to use it.
[[nodiscard]] std::string use_section(const Results& results);

}  // namespace mascing
