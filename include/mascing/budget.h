// Limit of a search, as a time or a number of tokens.
#pragma once

#include <cstdint>
#include <string>

namespace mascing {

/// At most one of the two is set; neither = no limit.
struct Budget {
  double seconds = 0.0;
  int64_t n_token = 0;  ///< prefill and generated tokens

  /// Share of the budget that is spent; 0 without a limit.
  [[nodiscard]] double share_spent(double elapsed_seconds, int64_t n_asked_token) const;
};

/// "90s", "10m", "1.5h"; "200k tokens", "2M tokens", "50000 tokens" (spaces are ignored). Throws
/// Error{kUsage} for anything else.
[[nodiscard]] Budget parse_budget(const std::string& text);

}  // namespace mascing
