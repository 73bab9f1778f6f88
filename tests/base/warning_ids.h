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

}  // namespace mascing
