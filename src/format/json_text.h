// Parses JSON from untrusted files, with a limit on nesting, no equal keys, and our own error type.
// Only for .cpp files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace mascing {

/// Throws Error{kBadInput} "`where`: invalid JSON ..." with `hint`; nesting beyond 32 levels is
/// refused, and so is an object with two equal keys: which one counts cannot be told.
[[nodiscard]] nlohmann::json parse_json(std::string_view text,
                                        const std::string& where,
                                        const std::string& hint);
/// The same for callers with a message of their own: a discarded value instead of an error.
[[nodiscard]] nlohmann::json parse_json_or_discard(std::string_view text);
/// The first key that an object of the text has twice, if one has.
[[nodiscard]] std::optional<std::string> key_twice(std::string_view text);

/// A whole number written as one: 0.5 is none, and 1e91, which nlohmann's get would make an integer
/// of in an undefined way. Throws nlohmann::json::type_error, also beyond int64_t.
[[nodiscard]] int64_t whole_number(const nlohmann::json& value);
/// The same for a list of them.
[[nodiscard]] std::vector<int64_t> whole_numbers(const nlohmann::json& list);

}  // namespace mascing
