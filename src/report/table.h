// The table that ends `mascing run`.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Metrics with intervals, damage, speed and warnings as plain text, at most 100 columns wide,
/// ending in a line break. `colour` adds ANSI colours and changes nothing else. Control characters
/// in names are left out.
[[nodiscard]] std::string render_table(const Results& results, bool colour);

}  // namespace mascing
