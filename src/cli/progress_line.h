// Shows progress on stderr: on a terminal a header for the whole run and a line for its stage, both
// rewritten in place and as wide as fits; plain lines elsewhere. Also turns Ctrl-C into a graceful
// stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

#include "base/pace.h"
#include "cli/run_steps.h"
#include "mascing/progress.h"

namespace mascing::cli {

/// After this call the first Ctrl-C (or SIGTERM) requests a stop; the second ends the process.
void install_signal_handlers();
[[nodiscard]] bool stop_was_requested();
/// Whether these signals end a read that waits, or let it wait on as usual.
void let_signals_interrupt(bool they_do);

class ProgressLine {
 public:
  /// `is_quiet` shows nothing; a requested stop is still passed on.
  explicit ProgressLine(bool is_quiet = false, RunSteps steps = {});
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A Progress callback that draws this line; it must not outlive this object.
  [[nodiscard]] Progress callback();
  /// From now on the header tells the time left of the whole run.
  void expect(const Forecast& forecast);
  /// Clears both lines so that other output can be written.
  void finish_line();

 private:
  using Clock = std::chrono::steady_clock;
  /// What is known of the current stage's speed; 0 = nothing yet.
  struct Speed {
    double per_s = 0.0;
    double left_s = 0.0;
  };

  void draw(const ProgressEvent& event);
  void enter(const ProgressEvent& event);
  void put_lines(const std::string& header, const std::string& line);
  [[nodiscard]] Speed speed_of(const ProgressEvent& event) const;
  [[nodiscard]] std::string header(const Speed& speed) const;
  [[nodiscard]] std::string stage_line(const ProgressEvent& event, const Speed& speed) const;
  [[nodiscard]] double now_s() const;

  bool is_terminal_;
  bool is_quiet_;
  RunSteps steps_;
  Pace pace_;
  std::string stage_;
  int64_t first_done_ = 0;
  Clock::time_point stage_start_;
  Clock::time_point last_drawn_;
  std::set<std::string> finished_;  ///< stages that were at their end
  int64_t n_open_ = 0;              ///< lines on the terminal that are to be rewritten
};

}  // namespace mascing::cli
