// How replies came about, and rates by category.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Empty for results of a version that did not record it.
[[nodiscard]] std::string protocol_section(const Results& results);

/// Empty if no conversation of the test split names a category.
[[nodiscard]] std::string categories_section(const Results& results);

}  // namespace mascing
