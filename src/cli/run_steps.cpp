// Stages are known by how their names begin.
#include "cli/run_steps.h"

#include <algorithm>

namespace mascing::cli {

namespace {

/// What asking the model ends with. Only the closed loop's steps cost the same all the time.
std::string last_query(const Scenario& scenario) {
  // A mask's loop and an adapter's follow each other under one name.
  const bool is_one_loop =
      scenario.uses(MaskMethod::kClosedLoop) != scenario.uses(MaskMethod::kRouterAdapter) &&
      !scenario.uses(MaskMethod::kInterventionalSurrogate);
  return is_one_loop ? "closed loop" : "";
}

}  // namespace

RunSteps::RunSteps(const Scenario& scenario, End end) {
  steps_.push_back({"label", {"playing", "calibrating", "labelling"}, {"play", "label"}});
  steps_.push_back({"trace", {"tracing"}, {"trace"}});
  if (scenario.uses(MaskMethod::kSurrogate)) {
    steps_.push_back({"train and steer", {"train", "validate", "steer"}, {"train_and_steer"}});
  }
  if (scenario.uses_loop() || scenario.uses(MaskMethod::kInterventionalSurrogate)) {
    steps_.push_back({"query the model",
                      {"replies",
                       "effect",
                       "router inputs",
                       "costs of experts",
                       "closed loop",
                       "interventional"},
                      {"closed_loop"},
                      last_query(scenario)});
  }
  steps_.push_back({"select", {"selecting"}, {"select"}});
  if (end != End::kSelection) {
    steps_.push_back({"test", {"testing", "sampling"}, {"test"}});
  }
  if (end == End::kBaselines) {
    steps_.push_back({"baselines", {"tuning"}, {}});
  }
}

bool RunSteps::enter(const std::string& stage) {
  for (int64_t i = i_current_ + 1; i < std::ssize(steps_); ++i) {
    const std::vector<std::string>& stages = steps_[i].stages;
    if (std::any_of(stages.begin(), stages.end(), [&](const std::string& begin) {
          return stage.starts_with(begin);
        })) {
      i_current_ = i;
      return true;
    }
  }
  return false;
}

bool RunSteps::ends_step(const std::string& stage) const {
  return i_current_ >= 0 && !steps_[i_current_].last.empty() &&
         stage.starts_with(steps_[i_current_].last);
}

std::string RunSteps::words() const {
  return i_current_ < 0 ? ""
                        : "step " + std::to_string(i_current_ + 1) + " of " +
                              std::to_string(steps_.size()) + ": " + steps_[i_current_].title;
}

std::vector<double> RunSteps::seconds(const Forecast& forecast) const {
  std::vector<double> all;
  for (const Step& step : steps_) {
    double sum = 0.0;
    for (const StageForecast& stage : forecast.stages) {
      const bool is_part =
          std::find(step.forecast.begin(), step.forecast.end(), stage.name) != step.forecast.end();
      sum += is_part ? stage.seconds : 0.0;
    }
    all.push_back(sum);
  }
  return all;
}

std::string RunSteps::not_forecast() const {
  const bool is_to_come = i_current_ + 1 < std::ssize(steps_) && steps_.back().forecast.empty();
  return is_to_come ? ", then the baselines" : "";
}

}  // namespace mascing::cli
