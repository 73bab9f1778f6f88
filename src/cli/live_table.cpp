// Moves the cursor up over the old table, clears the rest of the screen, and prints the new table.
#include "cli/live_table.h"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "cli/terminal_filter.h"
#include "report/numbers.h"
#include "report/trade_off.h"

namespace mascing::cli {
namespace {

constexpr size_t kMostRows = 16;  // fits a small terminal

}  // namespace

LiveTable::LiveTable(std::string target)
    : target_(std::move(target)), is_terminal_(isatty(STDERR_FILENO) == 1) {}

void LiveTable::update(const std::vector<CandidateResult>& trials) {
  if (!is_introduced_ && full_name(target_) != display_name(target_)) {
    put_raw(std::cerr, is_terminal_ ? "\r\033[K" : "");
    std::cerr << "target metric: " << full_name(target_) << '\n';
  }
  is_introduced_ = true;
  if (is_terminal_) {
    const std::string table = trials_table(trials, target_, kMostRows);
    put_raw(std::cerr, "\r\033[K");
    if (n_drawn_ > 0) {
      put_raw(std::cerr, "\033[" + std::to_string(n_drawn_) + "A\033[J");
    }
    std::cerr << table << std::flush;
    n_drawn_ = std::count(table.begin(), table.end(), '\n');
    return;
  }
  said_.resize(trials.size());
  for (size_t i = 0; i < trials.size(); ++i) {
    const std::string line = trial_line(trials[i], target_);
    if (line != said_[i]) {
      std::cerr << line << '\n';
      said_[i] = line;
    }
  }
}

}  // namespace mascing::cli
