// JSON from files that may be hostile: parsing with a bound on nesting and errors of our own kind.
// Only for .cpp files.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace mascing {

/// Throws Error{kBadInput} "`where`: invalid JSON ..." with `hint`; nesting beyond 32 levels is
/// refused.
[[nodiscard]] nlohmann::json parse_json(std::string_view text,
                                        const std::string& where,
                                        const std::string& hint);

}  // namespace mascing
