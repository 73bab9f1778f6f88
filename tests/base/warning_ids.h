// The ids of warnings, which are what tests and programs go by.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mascing/results.h"

namespace mascing {

/// In their order. Every warning must say something and advise something.
inline std::vector<std::string> warning_ids(const std::vector<Warning>& warnings) {
  std::vector<std::string> ids;
  for (const Warning& warning : warnings) {
    EXPECT_FALSE(warning.text.empty());
    EXPECT_FALSE(warning.advice.empty());
    ids.push_back(warning.id);
  }
  return ids;
}

/// The first warning of an id. Without one the test fails, and goes on with an empty warning.
inline Warning warning_of(const std::string& id, const std::vector<Warning>& warnings) {
  for (const Warning& warning : warnings) {
    if (warning.id == id) {
      return warning;
    }
  }
  ADD_FAILURE() << "no warning " << id << " among "
                << testing::PrintToString(warning_ids(warnings));
  return {};
}

}  // namespace mascing
