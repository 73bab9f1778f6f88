// What a user should know of a result beside its numbers.
#pragma once

#include <string>

namespace mascing {

/// A doubtful result, by name and with advice.
struct Warning {
  std::string id;      ///< stable, e.g. "keep_answered_fell"
  std::string text;    ///< what was seen
  std::string advice;  ///< what to do
};

/// A conversation that was left out, and why.
struct Skipped {
  std::string id;
  std::string reason;
};

}  // namespace mascing
