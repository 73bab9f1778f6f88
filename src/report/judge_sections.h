// Section of the report on the judges of replies.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML; empty if there was only one judge and it never failed.
[[nodiscard]] std::string judges_section(const Results& results);

}  // namespace mascing
