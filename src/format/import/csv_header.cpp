#include "format/import/csv_header.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "format/import/csv_reader.h"
#include "mascing/error.h"

namespace mascing {

bool has_old_line_ends(std::string_view begin) {
  const size_t at = begin.find('\r');
  return at != std::string_view::npos && at + 1 < begin.size() &&
         begin.find('\n') == std::string_view::npos;
}

char find_delimiter(std::string_view begin,
                    const ImportFormat* format,
                    const ColumnNames& renamed) {
  char best = ',';
  size_t most = 0;
  size_t most_columns = 0;
  for (const char delimiter : {',', ';', '\t'}) {
    CsvReader reader(ByteReader::over(begin), delimiter, static_cast<int64_t>(begin.size()));
    CsvRecord header;
    try {
      if (!reader.next(header)) {
        continue;
      }
    } catch (const Error&) {
      continue;
    }
    std::set<std::string> ignored;
    const std::vector<std::string> names = our_names(header.fields, renamed, ignored);
    const ImportFormat* found = recognise_format(names);
    if (format != nullptr) {
      const bool fits = std::find(names.begin(), names.end(), format->needs.front()) != names.end();
      found = fits ? format : nullptr;
    }
    const size_t n_need = found == nullptr ? 0 : found->needs.size();
    if (n_need > most || (n_need == most && names.size() > most_columns && most == 0)) {
      most = n_need;
      most_columns = names.size();
      best = delimiter;
    }
  }
  return best;
}

std::string column_twice(const std::vector<std::string>& columns, const ImportFormat& format) {
  std::set<std::string> met;
  for (const std::string& column : columns) {
    if (!met.insert(column).second && has_use_for(format, column)) {
      return column;
    }
  }
  return {};
}

}  // namespace mascing
