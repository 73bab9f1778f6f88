// Sections of the report on what the search worked with: surrogates, data.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Each returns HTML, or an empty string if there is nothing to show.
[[nodiscard]] std::string surrogates_section(const Results& results);
[[nodiscard]] std::string data_section(const Results& results);

}  // namespace mascing
