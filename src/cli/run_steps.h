// The steps of a run, told from the stages that it reports: for a header before the first stage of
// each.
#pragma once

#include <string>
#include <vector>

#include "mascing/scenario.h"

namespace mascing::cli {

class RunSteps {
 public:
  /// No steps: no headers.
  RunSteps() = default;
  /// Those that the scenario's methods need, up to selection, and the test if there is one.
  RunSteps(const Scenario& scenario, bool with_test);

  /// "step 3 of 6: query the model" if the stage is the first of a later step; else empty. A stage
  /// that several steps have belongs to the current one.
  [[nodiscard]] std::string enter(const std::string& stage);

 private:
  struct Step {
    std::string title;
    std::vector<std::string> stages;  ///< how the names of its stages begin
  };

  std::vector<Step> steps_;
  size_t n_entered_ = 0;
};

}  // namespace mascing::cli
