// Characters that move a terminal's cursor, or reorder or hide the text around them.
#pragma once

#include <cstddef>
#include <string_view>

namespace mascing {

/// Length in bytes of the UTF-8 form of such a character at `at`, else 0: C1 controls (U+0080 to
/// U+009F), marks and overrides of direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
/// U+2069), line and paragraph separators, and the byte order mark. C0 controls are not among them.
[[nodiscard]] size_t hidden_character(std::string_view text, size_t at);

}  // namespace mascing
