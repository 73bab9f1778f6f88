// The trials of a search while it runs: a table on stderr that is drawn anew on a terminal, a line
// for each change elsewhere.
#pragma once

#include <string>
#include <vector>

#include "mascing/results.h"

namespace mascing::cli {

/// On a terminal the progress line stands below the table: both write where the other left off.
class LiveTable {
 public:
  explicit LiveTable(std::string target);
  void update(const std::vector<CandidateResult>& trials);

 private:
  std::string target_;
  bool is_terminal_;
  size_t n_drawn_ = 0;             ///< lines of the table on the terminal
  std::vector<std::string> said_;  ///< by trial, elsewhere
};

}  // namespace mascing::cli
