// Column layout for terminal text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mascing {

/// `text` without control characters and marks of direction; tabs and line breaks become spaces.
[[nodiscard]] std::string printable(const std::string& text);

/// Display width of a text; UTF-8 continuation bytes count as 0.
[[nodiscard]] size_t width_of(const std::string& text);

/// Pads with spaces to `width` columns.
[[nodiscard]] std::string padded(const std::string& text, size_t width, bool is_left);

/// Cuts to at most `width` bytes and marks the cut with "~".
[[nodiscard]] std::string shortened(const std::string& text, size_t width);

/// Wraps `text` to lines of at most 80 columns, each indented by `indent` spaces; the first line
/// begins with `start`.
[[nodiscard]] std::string wrapped(const std::string& start, const std::string& text, size_t indent);

/// Rows as lines, each column as wide as its widest cell. `is_left` marks the columns aligned
/// left; the others are aligned right. The last cell of a row is cut where the line would exceed 80
/// columns.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows,
                                  const std::vector<bool>& is_left);

}  // namespace mascing
