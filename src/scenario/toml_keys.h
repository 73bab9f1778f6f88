// Looks over a TOML text before it is parsed: toml++ makes a table for each part of a key, and
// calls itself once for each when they go.
#pragma once

#include <cstdint>
#include <string_view>

namespace mascing {

/// The line of the first key or header with more than `n_most` dots outside of quotes; 0 if there
/// is none. Dots in values count as well, where no valid one has more than one.
[[nodiscard]] int64_t line_of_long_key(std::string_view text, int64_t n_most);

}  // namespace mascing
