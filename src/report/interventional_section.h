// Section of the report on the surrogate that was trained on interventions.
#pragma once

#include <string>

#include "mascing/surrogate_result.h"

namespace mascing {

/// HTML, or an empty string if there was no such surrogate.
[[nodiscard]] std::string interventional_section(const InterventionalSurrogateResult& result);

}  // namespace mascing
