// Shows progress on stderr, as one rewritten line on a terminal and plain lines elsewhere. Also
// turns Ctrl-C into a graceful stop.
#pragma once

#include <chrono>
#include <string>

#include "cli/run_steps.h"
#include "mascing/progress.h"

namespace mascing::cli {

/// After this call the first Ctrl-C (or SIGTERM) requests a stop; the second ends the process.
void install_signal_handlers();
[[nodiscard]] bool stop_was_requested();

class ProgressLine {
 public:
  /// `is_quiet` shows nothing; a requested stop is still passed on.
  explicit ProgressLine(bool is_quiet = false, RunSteps steps = {});
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A Progress callback that draws this line; it must not outlive this object.
  [[nodiscard]] Progress callback();
  /// Clears the line so that other output can be written.
  void finish_line();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const ProgressEvent& event);
  [[nodiscard]] std::string rate_and_eta(const ProgressEvent& event) const;

  bool is_terminal_;
  bool is_quiet_;
  RunSteps steps_;
  std::string stage_;
  int64_t first_done_ = 0;
  Clock::time_point stage_start_;
  Clock::time_point last_drawn_;
  bool is_open_ = false;
};

}  // namespace mascing::cli
