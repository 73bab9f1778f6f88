// A scenario file that is written, read, and named in errors.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/error.h"
#include "mascing/scenario.h"

namespace mascing {

inline constexpr const char* kSmall = R"(name = "small"
direction = "defend"
[[set]]
metric = "dsr"
role = "target"
data = ["data/a.jsonl"]
wanted = "refused"
)";

class ScenarioFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) /
        (std::string("mascing_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_ / "data");
    for (const char* name : {"a.jsonl", "b.jsonl", "prose.txt"}) {
      std::ofstream(folder_ / "data" / name) << "\n";
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return (folder_ / "s.toml").string(); }

  [[nodiscard]] Scenario read(const std::string& text) const {
    std::ofstream(path()) << text;
    return read_scenario(path());
  }

  // The error of a scenario: "LINE: message | hint", without the path.
  [[nodiscard]] std::string error_of(const std::string& text) const {
    try {
      (void)read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      const std::string message = error.what();
      EXPECT_THAT(message, ::testing::StartsWith(path() + ":"));
      return message.substr(path().size() + 1) + " | " + error.hint();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

}  // namespace mascing
