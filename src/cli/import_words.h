// What `mascing import` and `mascing init` share: columns of other names, and what became of a
// file.
#pragma once

#include <string>
#include <utility>

#include "mascing/import.h"

namespace mascing::cli {

/// Says on stderr how many conversations a file gave, and what was skipped and why.
void say_imported(const ImportedFile& file);

/// OURS=THEIRS, such as reply=answer. Throws Error{kUsage} naming the command.
[[nodiscard]] std::pair<std::string, std::string> parse_column(const std::string& word,
                                                               const std::string& command);

}  // namespace mascing::cli
