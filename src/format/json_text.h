// Parses JSON from untrusted files, with a limit on nesting and our own error type.
// Only for .cpp files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace mascing {

/// Throws Error{kBadInput} "`where`: invalid JSON ..." with `hint`; nesting beyond 32 levels is
/// refused.
[[nodiscard]] nlohmann::json parse_json(std::string_view text,
                                        const std::string& where,
                                        const std::string& hint);

/// A whole number written as one: 0.5 is none, and 1e91, which nlohmann's get would make an integer
/// of in an undefined way. Throws nlohmann::json::type_error, also beyond int64_t.
[[nodiscard]] int64_t whole_number(const nlohmann::json& value);
/// The same for a list of them.
[[nodiscard]] std::vector<int64_t> whole_numbers(const nlohmann::json& list);

}  // namespace mascing
