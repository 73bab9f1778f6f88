// Warnings that accompany results.
#pragma once

#include <string>

namespace mascing {

/// A named warning about a doubtful result, with advice.
struct Warning {
  std::string id;      ///< stable, e.g. "keep_answered_fell"
  std::string text;    ///< the finding
  std::string advice;  ///< the suggested action
};

/// A skipped conversation and the reason.
struct Skipped {
  std::string id;
  std::string reason;
};

}  // namespace mascing
