// Stages are identified by name; a new name closes the previous line.
#include "cli/progress_line.h"

#include <atomic>
#include <cmath>
#include <csignal>
#include <iostream>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/numeric.h"
#include "base/text.h"
#include "cli/terminal_filter.h"

namespace mascing::cli {
namespace {

constexpr const char* kEmptyLine = "\r\033[K";

std::atomic<bool> stop_requested{false};

constexpr std::string_view kStopping =
    "\nstopping at the next safe point; once more ends at once\n";

extern "C" void on_signal(int signal_number) {
  stop_requested = true;
  (void)!write(STDERR_FILENO, kStopping.data(), kStopping.size());
  std::signal(signal_number, SIG_DFL);  // the second signal ends the process
}

size_t terminal_width() {
  winsize size{};
  const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return is_known ? size.ws_col : 80;
}

std::string duration_text(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 60) {
    return std::to_string(whole) + " s";
  }
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

}  // namespace

void install_signal_handlers() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool stop_was_requested() {
  return stop_requested;
}

ProgressLine::ProgressLine(bool is_quiet, RunSteps steps)
    : is_terminal_(isatty(STDERR_FILENO) == 1), is_quiet_(is_quiet), steps_(std::move(steps)) {}

ProgressLine::~ProgressLine() {
  finish_line();
}

Progress ProgressLine::callback() {
  return [this](const ProgressEvent& event) {
    if (!is_quiet_) {
      draw(event);
    }
    return !stop_was_requested();
  };
}

void ProgressLine::finish_line() {
  if (is_open_ && is_terminal_) {
    put_raw(std::cerr, kEmptyLine);
    std::cerr << std::flush;
  }
  is_open_ = false;
}

std::string ProgressLine::rate_and_eta(const ProgressEvent& event) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - stage_start_).count();
  const int64_t n_new = event.done - first_done_;
  if (n_new <= 0 || elapsed < 0.05) {
    return {};
  }
  const double rate = to_double(n_new) / elapsed;
  std::string text = ", " + format_number(rate, rate < 10.0 ? 1 : 0) + " " + event.unit + "/s";
  if (event.done < event.total) {
    text += ", " + duration_text(to_double(event.total - event.done) / rate) + " left";
  }
  return text;
}

void ProgressLine::draw(const ProgressEvent& event) {
  const auto now = Clock::now();
  if (event.stage != stage_) {
    finish_line();
    stage_ = event.stage;
    stage_start_ = now;
    first_done_ = event.done;
    last_drawn_ = now - std::chrono::hours(1);
    const std::string header = steps_.enter(event.stage);
    std::cerr << header << (header.empty() ? "" : "\n");
  }
  const bool is_last = event.done >= event.total;
  const auto pause =
      is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (!is_last && now - last_drawn_ < pause) {
    return;
  }
  last_drawn_ = now;
  const std::string line = event.stage + ": " + std::to_string(event.done) + "/" +
                           std::to_string(event.total) + " " + event.unit + rate_and_eta(event) +
                           (event.note.empty() ? "" : ", " + event.note);
  if (is_terminal_) {
    // A line that wraps could not be rewritten.
    put_raw(std::cerr, kEmptyLine);
    std::cerr << line.substr(0, terminal_width() - 1) << std::flush;
    is_open_ = true;
  } else if (is_last) {
    std::cerr << line << '\n';
  }
}

}  // namespace mascing::cli
