// The only exception type of the library.
#pragma once

#include <stdexcept>
#include <string>

namespace mascing {

/// Kind of failure, for callers that handle cases differently. The command line maps kUsage to exit
/// code 2, kInterrupted to 130 and all others to 1.
enum class ErrorKind {
  kUsage,         ///< invalid option, unknown key in a scenario
  kBadInput,      ///< a file is missing, truncated, malformed or of the wrong kind
  kMismatch,      ///< two inputs do not belong together (mask of another model, other E or L)
  kInsufficient,  ///< too little data (empty set, only one class)
  kSystem,        ///< operating system error: disk full, no permission, out of memory
  kHost,          ///< the inference engine failed
  kInterrupted,   ///< stopped on request; finished work is on disk
};

/// Message form: `[where] what failed, name, expected vs got`; `hint` is the likely cause or the
/// next step, which the command line prints on a separate line. Neither ends in a line break.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, std::string hint = {})
      : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorKind kind_;
  std::string hint_;
};

}  // namespace mascing
