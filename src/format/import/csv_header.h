// What the beginning of a file without braces tells: how its lines end, what divides its columns,
// and whether their names are told apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/import/column_names.h"
#include "format/import/formats.h"

namespace mascing {

/// CR alone ends the lines: a reader of LF and CRLF takes all for one line. `has_quotes`: line
/// breaks within quotes are part of a cell.
[[nodiscard]] bool has_old_line_ends(std::string_view begin, bool has_quotes);

/// The delimiter under which the header makes sense: the one that gives the most columns a format
/// needs; if none does, the most columns. `format` null: any.
[[nodiscard]] char find_delimiter(std::string_view begin,
                                  const ImportFormat* format,
                                  const ColumnNames& renamed);

/// The places of two columns of one name that the format has a use for, if there are any.
[[nodiscard]] std::optional<std::pair<size_t, size_t>> column_twice(
    const std::vector<std::string>& columns, const ImportFormat& format);

}  // namespace mascing
