// Stages are identified by name; a new name closes the previous line.
#include "cli/progress_line.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <iostream>
#include <string_view>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/numeric.h"
#include "base/text.h"
#include "cli/terminal_filter.h"
#include "report/columns.h"

namespace mascing::cli {
namespace {

constexpr const char* kEmptyLine = "\r\033[K";
constexpr const char* kBothLines = "\r\033[K\033[1A\033[K";
constexpr double kLeastSeconds = 1.0;  // of a stage before its speed is told

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

/// The first characters of a line, at most `width`.
std::string first_columns(const std::string& line, size_t width) {
  size_t n_byte = 0;
  for (size_t n = 0; n < width && n_byte < line.size(); ++n) {
    n_byte += std::max<size_t>(1, utf8_size(line, n_byte));
  }
  return line.substr(0, n_byte);
}

}  // namespace

void install_signal_handlers() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool stop_was_requested() {
  return stop_requested;
}

void let_signals_interrupt(bool they_do) {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0) {
      action.sa_flags = they_do ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
      (void)sigaction(number, &action, nullptr);
    }
  }
}

ProgressLine::ProgressLine(bool is_quiet, RunSteps steps)
    : is_terminal_(isatty(STDERR_FILENO) == 1), is_quiet_(is_quiet), steps_(std::move(steps)) {}

ProgressLine::~ProgressLine() {
  finish_line();
}

Progress ProgressLine::callback() {
  return [this](const ProgressEvent& event) {
    const bool is_stopping = stop_was_requested();
    if (!is_quiet_ && !is_stopping) {
      draw(event);
    }
    return !is_stopping;
  };
}

void ProgressLine::expect(const Forecast& forecast) {
  pace_.expect(steps_.seconds(forecast));
}

void ProgressLine::finish_line() {
  if (n_open_ > 0 && !stop_was_requested()) {  // what was said of the stop stays
    put_raw(std::cerr, n_open_ > 1 ? kBothLines : kEmptyLine);
  }
  std::cerr << std::flush;
  n_open_ = 0;
}

double ProgressLine::now_s() const {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

ProgressLine::Speed ProgressLine::speed_of(const ProgressEvent& event) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - stage_start_).count();
  const int64_t n_new = event.done - first_done_;
  if (n_new <= 0 || elapsed < kLeastSeconds) {
    return {};
  }
  const double rate = to_double(n_new) / elapsed;
  return {rate, to_double(std::max<int64_t>(0, event.total - event.done)) / rate};
}

std::string ProgressLine::header(const Speed& speed) const {
  const std::string words = steps_.words();
  return words.empty() || !pace_.has_forecast()
             ? words
             : words + ", " +
                   time_left_words(pace_.left(now_s(), speed.left_s, steps_.ends_step(stage_))) +
                   steps_.not_forecast();
}

std::string ProgressLine::stage_line(const ProgressEvent& event, const Speed& speed) const {
  std::vector<std::string> parts;
  if (speed.per_s > 0.0) {
    parts.push_back(format_number(speed.per_s, speed.per_s < 10.0 ? 1 : 0) + " " + event.unit +
                    "/s");
    if (speed.left_s > 0.0 && !pace_.has_forecast()) {
      parts.push_back(duration_text(speed.left_s) + " left");
    }
  }
  if (!event.note.empty()) {
    parts.push_back(event.note);
  }
  const size_t width = is_terminal_ ? terminal_width() - 1 : std::string::npos;
  std::string line = event.stage + ": " + std::to_string(event.done) + "/" +
                     std::to_string(event.total) + " " + event.unit;
  for (const std::string& part : parts) {
    // What does not fit is left out as a whole.
    line += width_of(line) + width_of(part) + 2 <= width ? ", " + part : "";
  }
  return line;
}

void ProgressLine::enter(const ProgressEvent& event) {
  finish_line();
  stage_ = event.stage;
  stage_start_ = Clock::now();
  first_done_ = event.done;
  last_drawn_ = is_terminal_ ? Clock::time_point() : stage_start_;
  if (!steps_.enter(event.stage)) {
    return;
  }
  pace_.enter(steps_.current(), now_s());
  if (!is_terminal_) {
    std::cerr << header({}) << '\n';
  }
}

void ProgressLine::put_lines(const std::string& header, const std::string& line) {
  finish_line();
  const size_t width = terminal_width() - 1;
  if (!header.empty()) {
    std::cerr << first_columns(header, width) << '\n';
  }
  // A line that wraps could not be rewritten.
  std::cerr << first_columns(line, width) << std::flush;
  n_open_ = header.empty() ? 1 : 2;
}

void ProgressLine::draw(const ProgressEvent& event) {
  if (event.stage != stage_) {
    enter(event);
  }
  const auto now = Clock::now();
  const bool is_last = event.done >= event.total;
  const auto pause =
      is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(60000);
  if (!is_last && now - last_drawn_ < pause) {
    return;
  }
  if (!is_terminal_ && is_last && !finished_.insert(stage_).second &&
      now - stage_start_ < std::chrono::duration<double>(kLeastSeconds)) {
    return;  // read from the cache once more
  }
  const Speed speed = speed_of(event);
  if (is_terminal_) {
    put_lines(header(speed), stage_line(event, speed));
  } else {
    const std::string left = is_last || !pace_.has_forecast() ? "" : " (" + header(speed) + ")";
    std::cerr << stage_line(event, speed) << left << '\n';
  }
  last_drawn_ = now;
}

}  // namespace mascing::cli
