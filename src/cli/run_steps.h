// The steps of a run, told from the stages that it reports: for a header over all of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/forecast.h"
#include "mascing/scenario.h"

namespace mascing::cli {

class RunSteps {
 public:
  enum class End { kSelection, kTest, kBaselines };

  /// No steps: no headers.
  RunSteps() = default;
  /// Those that the scenario's methods need, up to the last one.
  RunSteps(const Scenario& scenario, End end);

  [[nodiscard]] bool empty() const { return steps_.empty(); }
  /// True if the stage is the first of a later step. A stage that several steps have belongs to the
  /// current one.
  [[nodiscard]] bool enter(const std::string& stage);
  /// Whether the current step is over when the stage is.
  [[nodiscard]] bool ends_step(const std::string& stage) const;
  /// -1 before the first step.
  [[nodiscard]] int64_t current() const { return i_current_; }
  /// "step 3 of 6: query the model"; empty before the first step.
  [[nodiscard]] std::string words() const;
  /// Seconds of each step. Baselines have no forecast.
  [[nodiscard]] std::vector<double> seconds(const Forecast& forecast) const;
  /// What a forecast leaves out from here on: ", then the baselines", or empty.
  [[nodiscard]] std::string not_forecast() const;

 private:
  struct Step {
    std::string title;
    std::vector<std::string> stages;    ///< how the names of its stages begin
    std::vector<std::string> forecast;  ///< names of its parts in a forecast
    std::string last = {};  ///< how the name of its last long stage begins; empty: none is known
  };

  std::vector<Step> steps_;
  int64_t i_current_ = -1;
};

}  // namespace mascing::cli
