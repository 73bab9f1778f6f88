// Reads JSON that this program wrote itself, for rooms that do not see src/format.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

namespace mascing {

/// A discarded value where the text is damaged, or nested as nothing of ours is.
[[nodiscard]] nlohmann::json parse_own_json(std::string_view text);

}  // namespace mascing
