// Text in columns for the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mascing {

/// `text` without control characters; tabs and line ends become blanks.
[[nodiscard]] std::string printable(const std::string& text);

/// Columns that a text takes: UTF-8 continuation bytes take none.
[[nodiscard]] size_t width_of(const std::string& text);

/// Filled up with blanks to `width` columns.
[[nodiscard]] std::string padded(const std::string& text, size_t width, bool is_left);

/// At most `width` bytes; "~" at the end of what was cut.
[[nodiscard]] std::string shortened(const std::string& text, size_t width);

/// Words of `text` in lines of at most 100 columns, each begun by `indent` blanks; the first
/// continues `start`.
[[nodiscard]] std::string wrapped(const std::string& start, const std::string& text, size_t indent);

/// Rows as lines, each column as wide as its widest cell; `is_left` by column, the others are
/// aligned right.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows,
                                  const std::vector<bool>& is_left);

}  // namespace mascing
