// Marks of reasoning that models are known to use.
#pragma once

#include <string_view>
#include <vector>

#include "mascing/reply_parts.h"

namespace mascing {

/// Longer marks stand before their own beginnings.
[[nodiscard]] const std::vector<ReasoningMarks>& known_marks();

/// Those that occur in the source of a chat template, start and end; without a start if none does.
[[nodiscard]] ReasoningMarks find_marks(std::string_view template_source);

}  // namespace mascing
