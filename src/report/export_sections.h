// Section of the report on exported forms of the mask, for other inference engines.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML, or an empty string if no exported form was compared with the mask.
[[nodiscard]] std::string exports_section(const Results& results);

}  // namespace mascing
