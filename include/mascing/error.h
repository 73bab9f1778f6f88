// The one exception type of the library.
#pragma once

#include <stdexcept>
#include <string>

namespace mascing {

/// What went wrong, as far as a caller must tell cases apart. kUsage is the caller's mistake (exit
/// code 2 of the command line), kInterrupted a wish of the user's (130), the rest failed work (1).
enum class ErrorKind {
  kUsage,         ///< impossible option, unknown key in a scenario
  kBadInput,      ///< a file is missing, truncated, malformed or of the wrong kind
  kMismatch,      ///< two inputs do not belong together (mask of another model, other E or L)
  kInsufficient,  ///< too little data to go on (empty set, one class only)
  kSystem,        ///< the operating system said no: full disk, no permission, out of memory
  kHost,          ///< the inference engine failed
  kInterrupted,   ///< stopped on request; what was finished is on disk
};

/// Message form: `[where] what failed, name, expected vs got`; `hint` is the likely cause or the
/// next step, printed on a line of its own by the command line. Neither ends in a line break.
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
