// The result of a request: a value, or the reason why there is none.
#pragma once

#include <string>

namespace mascing {

/// Result of one request: `value`, or the reason why there is none.
template <typename Value>
struct Result {
  Value value = {};
  std::string error = {};  ///< empty = `value` is valid
  [[nodiscard]] bool ok() const { return error.empty(); }
};

}  // namespace mascing
