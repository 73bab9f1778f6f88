// The conversations that a new scenario begins with: read from public data, divided into splits,
// written as JSON lines.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/new_scenario.h"

namespace mascing::cli {

/// The files of one set, as given on the command line.
struct SetSource {
  std::string word;  ///< of the option: "attacks", "requests", "hold", "keep", "benign"
  NewSet set = {};   ///< `data` and `source` are filled in by read_sets() and write_sets()
  std::vector<std::string> files = {};
  std::string category = {};                                               ///< as in ImportOptions
  std::vector<std::pair<std::string, std::string>> columns = {};           ///< as in ImportOptions
  std::vector<std::pair<std::string, std::string>> optional_columns = {};  ///< likewise
};

/// Imports each set, at most `n_limit` conversations of it (0 = all), and assigns the splits. Says
/// on stderr what was read and left out. Throws Error{kBadInput} for a set that holds scripts and
/// answered conversations, and for an optional column that no file has.
[[nodiscard]] std::vector<std::vector<Conversation>> read_sets(std::vector<SetSource>& sources,
                                                               int64_t n_limit,
                                                               uint64_t seed);

/// Writes `folder`/data/<word>.jsonl for each set, and notes the names in `sources`.
void write_sets(const std::string& folder,
                const std::vector<std::vector<Conversation>>& sets,
                std::vector<SetSource>& sources);

}  // namespace mascing::cli
