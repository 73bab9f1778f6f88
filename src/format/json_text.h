// Parses JSON from untrusted files, with a limit on nesting and our own error type.
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
