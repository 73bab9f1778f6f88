// Whole runs on the fake host.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/run.h"
#include "scenario/tiny_scenario.h"

namespace mascing {

/// results.json without what depends on the clock.
inline nlohmann::json comparable(const std::string& folder) {
  nlohmann::json results = nlohmann::json::parse(read_text_file(folder + "/results.json"));
  results.erase("cost");
  return results;
}

class RunTest : public testing::Test {
 protected:
  [[nodiscard]] RunOutcome run(const Scenario& scenario,
                               const std::string& output,
                               const Progress& progress = {}) {
    RunOptions options;
    options.output = output;
    options.command = "test";
    options.seed = seed_;
    options.method = method_;
    return run_scenario(
        scenario,
        FakeHost::make_info(),
        [this] {
          ++n_opened_;
          return std::make_unique<FakeHost>(nature_);
        },
        options,
        progress);
  }

  TemporaryFolder folder_;
  FakeHost::Nature nature_ = FakeHost::Nature::kPlanted;
  uint64_t seed_ = 0;
  std::string method_;
  int n_opened_ = 0;
};

}  // namespace mascing
