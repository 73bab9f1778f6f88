// Section of the report on the interventional surrogate.
#pragma once

#include <string>

#include "mascing/surrogate_result.h"

namespace mascing {

/// HTML, or an empty string if none was trained.
[[nodiscard]] std::string interventional_section(const InterventionalSurrogateResult& result);

}  // namespace mascing
