// Two texts side by side on a terminal, or one below the other if it is narrow.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mascing {

struct TitledText {
  std::string title;
  std::string text;        ///< line breaks are kept; other control characters are removed
  bool is_remark = false;  ///< about the other text: no word of either is marked
};

/// Wraps to at most `width` columns between words; longer words are split.
[[nodiscard]] std::vector<std::string> wrap_lines(const std::string& text, size_t width);

/// Minimum width for two columns.
inline constexpr size_t kWideTerminal = 90;

/// Each text below its title, in two columns if `width` allows, ending in a line break. `colour`
/// makes the titles bold and underlines the words that only one text has, red on the left, green on
/// the right; it changes nothing else.
[[nodiscard]] std::string side_by_side(const TitledText& left,
                                       const TitledText& right,
                                       size_t width,
                                       bool colour);

}  // namespace mascing
