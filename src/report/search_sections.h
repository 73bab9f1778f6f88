// Sections of the report on the search: candidates, surrogates, data.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Each returns HTML, or an empty string if there is nothing to show.
[[nodiscard]] std::string candidates_section(const Results& results);
[[nodiscard]] std::string surrogates_section(const Results& results);
[[nodiscard]] std::string data_section(const Results& results);

}  // namespace mascing
