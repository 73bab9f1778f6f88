// Section of the report on who judged the replies.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML; empty if one judge alone judged and never failed.
[[nodiscard]] std::string judges_section(const Results& results);

}  // namespace mascing
