#include "format/import/csv_header.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "format/import/csv_reader.h"
#include "mascing/error.h"

namespace mascing {

bool has_old_line_ends(std::string_view begin, bool has_quotes) {
  bool is_quoted = false;
  bool has_return = false;
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    is_quoted ^= has_quotes && begin[i] == '"';
    if (!is_quoted && begin[i] == '\n') {
      return false;
    }
    has_return = has_return || (!is_quoted && begin[i] == '\r' && begin[i + 1] != '\n');
  }
  return has_return && begin.back() != '\n';
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

std::optional<std::pair<size_t, size_t>> column_twice(const std::vector<std::string>& columns,
                                                      const ImportFormat& format) {
  std::map<std::string, size_t> met;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto [at, is_new] = met.try_emplace(columns[i], i);
    if (!is_new && has_use_for(format, columns[i])) {
      return std::pair(at->second, i);
    }
  }
  return std::nullopt;
}

}  // namespace mascing
