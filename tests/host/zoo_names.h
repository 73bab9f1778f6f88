// What the tests of the zoos are named after: random models, and fixtures of trained ones.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mascing {

/// The `name` of each of some models, in their order.
template <typename Models>
std::vector<std::string> names_of(const Models& models) {
  std::vector<std::string> names;
  for (const auto& model : models) {
    names.push_back(model.name);
  }
  return names;
}

/// Stems of the JSON files of a folder, sorted.
inline std::vector<std::string> fixture_names(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// As GoogleTest wants it: letters, digits and underscores.
inline std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

}  // namespace mascing
