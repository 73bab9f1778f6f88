// Rates of all sets, and side effects of the mask.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// The worst protected sets, divergence and perplexity at a glance. Empty without a mask.
[[nodiscard]] std::string tiles(const Results& results);
/// Each returns HTML, or an empty string if nothing was measured.
[[nodiscard]] std::string metrics_section(const Results& results);
[[nodiscard]] std::string damage_section(const Results& results);

}  // namespace mascing
