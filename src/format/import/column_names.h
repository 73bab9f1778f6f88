// Columns that go by other names in a file.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace mascing {

/// Both names in lower case.
struct ColumnName {
  std::string own;
  std::string theirs;
  bool is_optional = false;  ///< nothing is renamed in a file without it
};
using ColumnNames = std::vector<ColumnName>;

/// Our names of a file's columns, in their order; those of the file that were renamed go to
/// `found`.
[[nodiscard]] std::vector<std::string> our_names(std::vector<std::string> names,
                                                 const ColumnNames& renamed,
                                                 std::set<std::string>& found);

}  // namespace mascing
