// Runs another program: bytes in, bytes out, within limits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mascing {

struct ChildLimits {
  double timeout_s = 60.0;             ///< then it is killed with all it started
  size_t max_output_bytes = 1U << 20;  ///< likewise
};

struct ChildResult {
  int exit_code = -1;  ///< 128 + n if signal n ended it
  bool has_timed_out = false;
  bool is_too_long = false;  ///< it wrote more than the limit
  std::string output;        ///< of stdout, up to the limit
  std::string complaints;    ///< the end of what it wrote to stderr
  [[nodiscard]] bool ok() const { return exit_code == 0 && !has_timed_out && !is_too_long; }
};

/// Runs `command` (the program, looked for in PATH, and its arguments; no shell) in a process group
/// of its own with `input` as its stdin. A program that does not read its input, or closes it
/// early, is fine. Throws Error{kSystem} if the program cannot be started.
[[nodiscard]] ChildResult run_child(const std::vector<std::string>& command,
                                    const std::string& input,
                                    const ChildLimits& limits);

}  // namespace mascing
