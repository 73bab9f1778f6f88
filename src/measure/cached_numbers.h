// Numbers in the cache's JSON, which has none for what is not finite: they are written as null.
// Many at once are bytes, which CBOR has: as text they would be three times as long.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace mascing {

[[nodiscard]] inline double number_or_nan(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

template <typename Value>
[[nodiscard]] std::vector<Value> numbers_or_nan(const nlohmann::json& list) {
  std::vector<Value> values;
  for (const nlohmann::json& value : list) {
    values.push_back(static_cast<Value>(number_or_nan(value)));
  }
  return values;
}

template <typename Value>
[[nodiscard]] nlohmann::json binary_of(const std::vector<Value>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(Value));
  if (!bytes.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return nlohmann::json::binary(std::move(bytes));
}

template <typename Value>
[[nodiscard]] std::vector<Value> values_in(const nlohmann::json& value) {
  const auto& bytes = value.get_binary();
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!values.empty()) {
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Value));
  }
  return values;
}

}  // namespace mascing
