// Progress reports and stop requests for long-running work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mascing {

/// One report of a running stage. `done` of `total` units are finished; `unit` is their plural
/// name
/// ("conversations", "epochs"); `note` is optional text for the end of the line.
struct ProgressEvent {
  std::string stage;
  int64_t done = 0;
  int64_t total = 0;
  std::string unit;
  std::string note;
};

/// Called on the thread that runs the stage. Returning false asks the stage to stop. It then throws
/// Error{kInterrupted} once its finished work is saved. May be an empty
/// function.
using Progress = std::function<bool(const ProgressEvent&)>;

/// Reports `event` and throws Error{kInterrupted} if the callback returns false.
void report(const Progress& progress, const ProgressEvent& event);

}  // namespace mascing
