// How long work reports back to whoever waits for it, and learns that it should stop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mascing {

/// One report of a running stage. `done` of `total` units are finished; `unit` names them in the
/// plural
/// ("conversations", "epochs"); `note` is free text for the end of the line and may be empty.
struct ProgressEvent {
  std::string stage;
  int64_t done = 0;
  int64_t total = 0;
  std::string unit;
  std::string note;
};

/// Called on the thread that runs the stage. Returning false asks the stage to stop: it throws
/// Error{kInterrupted} as soon as its finished work is safe. An empty function means "nobody
/// watches".
using Progress = std::function<bool(const ProgressEvent&)>;

/// Reports `event` and throws Error{kInterrupted} if the callback returns false.
void report(const Progress& progress, const ProgressEvent& event);

}  // namespace mascing
