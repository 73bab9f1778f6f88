// The trials of a running search on stderr: a table redrawn in place on a terminal, otherwise one
// line per change.
#pragma once

#include <string>
#include <vector>

#include "mascing/results.h"

namespace mascing::cli {

/// On a terminal the progress line stays below the table.
class LiveTable {
 public:
  explicit LiveTable(std::string target);
  void update(const std::vector<CandidateResult>& trials);

 private:
  std::string target_;
  bool is_terminal_;
  bool is_introduced_ = false;     ///< the metric's full name was printed
  size_t n_drawn_ = 0;             ///< lines of the table on the terminal
  std::vector<std::string> said_;  ///< last line printed per trial, without a terminal
};

}  // namespace mascing::cli
