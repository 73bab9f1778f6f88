// Two texts beside each other on a terminal, or one below the other where it is narrow.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mascing {

struct TitledText {
  std::string title;
  std::string text;  ///< line breaks are kept; other control characters are left out
};

/// Lines of at most `width` columns, broken between words; longer words are broken anywhere.
[[nodiscard]] std::vector<std::string> wrap_lines(const std::string& text, size_t width);

/// From this width on texts stand beside each other.
inline constexpr size_t kWideTerminal = 90;

/// Each text below its title, in two columns if `width` allows, ending in a line break. `colour`
/// makes the titles bold and changes nothing else.
[[nodiscard]] std::string side_by_side(const TitledText& left,
                                       const TitledText& right,
                                       size_t width,
                                       bool colour);

}  // namespace mascing
