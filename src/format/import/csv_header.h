// What the beginning of a file without braces tells: how its lines end, what divides its columns,
// and whether their names are told apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/import/column_names.h"
#include "format/import/formats.h"

namespace mascing {

/// CR alone ends the lines: a reader of LF and CRLF takes all for one line.
[[nodiscard]] bool has_old_line_ends(std::string_view begin);

/// The delimiter under which the header makes sense: the one that gives the most columns a format
/// needs; if none does, the most columns. `format` null: any.
[[nodiscard]] char find_delimiter(std::string_view begin,
                                  const ImportFormat* format,
                                  const ColumnNames& renamed);

/// A name of two columns that the format has a use for; empty if there is none.
[[nodiscard]] std::string column_twice(const std::vector<std::string>& columns,
                                       const ImportFormat& format);

}  // namespace mascing
