// Draws progress on stderr: one line that is rewritten on a terminal, plain lines elsewhere; and
// turns Ctrl-C into a polite stop.
#pragma once

#include <chrono>
#include <string>

#include "mascing/progress.h"

namespace mascing::cli {

/// From here on the first Ctrl-C (or SIGTERM) asks for a stop, the second ends the process at once.
void install_signal_handlers();
[[nodiscard]] bool stop_was_requested();

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A Progress callback that draws here; it must not outlive this object.
  [[nodiscard]] Progress callback();
  /// Clears the line, for something else to be written.
  void finish_line();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const ProgressEvent& event);
  [[nodiscard]] std::string rate_and_eta(const ProgressEvent& event) const;

  bool is_terminal_;
  std::string stage_;
  int64_t first_done_ = 0;
  Clock::time_point stage_start_;
  Clock::time_point last_drawn_;
  bool is_open_ = false;
};

}  // namespace mascing::cli
