// Numbers in the cache's JSON, which has none for what is not finite: they are written as null.
#pragma once

#include <limits>

#include <nlohmann/json.hpp>

namespace mascing {

[[nodiscard]] inline double number_or_nan(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace mascing
