// What the records of a run read from JSON.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace mascing {

/// A string member of a JSON object; empty if there is none, or no object.
[[nodiscard]] inline std::string word_in(const nlohmann::json& object, const char* name) {
  const bool has_word = object.is_object() && object.contains(name) && object.at(name).is_string();
  return has_word ? object.at(name).get<std::string>() : std::string();
}

}  // namespace mascing
