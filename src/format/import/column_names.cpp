// Names are compared in lower case.
#include "format/import/column_names.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace mascing {

namespace {

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What a row of these columns is asked for: the optional ones only if it has them.
ColumnNames asked_of(const std::vector<std::string>& names, const ColumnNames& renamed) {
  ColumnNames asked;
  std::copy_if(
      renamed.begin(), renamed.end(), std::back_inserter(asked), [&](const ColumnName& column) {
        return !column.is_optional || has_name(names, column.theirs);
      });
  return asked;
}

/// One that already has the name of another, which was asked for, steps back.
std::string our_name(const std::string& theirs, const ColumnNames& asked) {
  for (const ColumnName& column : asked) {
    if (theirs == column.theirs) {
      return column.own;
    }
  }
  const bool is_taken = std::any_of(
      asked.begin(), asked.end(), [&](const ColumnName& column) { return column.own == theirs; });
  return is_taken ? theirs + " (replaced)" : theirs;
}

}  // namespace

std::vector<std::string> our_names(std::vector<std::string> names,
                                   const ColumnNames& renamed,
                                   std::set<std::string>& found) {
  for (std::string& name : names) {
    name = to_lower_ascii(trim(name));
  }
  const ColumnNames asked = asked_of(names, renamed);
  for (const ColumnName& column : asked) {
    if (has_name(names, column.theirs)) {
      found.insert(column.theirs);
    }
  }
  for (std::string& name : names) {
    name = our_name(name, asked);
  }
  return names;
}

}  // namespace mascing
