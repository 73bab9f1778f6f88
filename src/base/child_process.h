// Runs another program with limits on time and output.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace mascing {

struct ChildLimits {
  double timeout_s = 60.0;             ///< after this time the program and its children are killed
  size_t max_output_bytes = 1U << 20;  ///< above this size they are killed as well
  /// Asked several times a second; if it throws, they are killed and the error is passed on.
  std::function<void()> watch = {};
};

struct ChildResult {
  /// 128 + n if signal n ended it; -1 if the system does not tell, as where this process ignores
  /// SIGCHLD.
  int exit_code = -1;
  bool has_timed_out = false;
  bool is_too_long = false;  ///< its output exceeded the limit
  std::string output;        ///< stdout, up to the limit
  std::string complaints;    ///< the end of stderr
  [[nodiscard]] bool ok() const { return exit_code == 0 && !has_timed_out && !is_too_long; }
};

/// Runs `command` (a program, searched in PATH, and its arguments; no shell) in its own process
/// group with `input` as stdin. The program may ignore its input or close it early. Throws
/// Error{kSystem} if the program cannot be started.
[[nodiscard]] ChildResult run_child(const std::vector<std::string>& command,
                                    const std::string& input,
                                    const ChildLimits& limits);

}  // namespace mascing
