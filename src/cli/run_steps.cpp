// Stages are known by how their names begin.
#include "cli/run_steps.h"

#include <algorithm>

namespace mascing::cli {

RunSteps::RunSteps(const Scenario& scenario, bool with_test) {
  const auto uses_any = [&](std::initializer_list<MaskMethod> methods) {
    return std::any_of(
        methods.begin(), methods.end(), [&](MaskMethod method) { return scenario.uses(method); });
  };
  steps_.push_back({"label", {"playing", "calibrating", "labelling"}});
  steps_.push_back({"trace", {"tracing"}});
  if (uses_any({MaskMethod::kSurrogate})) {
    steps_.push_back({"train and steer", {"train", "validate", "steer"}});
  }
  if (uses_any({MaskMethod::kClosedLoop,
                MaskMethod::kEffectMap,
                MaskMethod::kInterventionalSurrogate})) {
    steps_.push_back({"query the model",
                      {"replies", "effect", "costs of experts", "closed loop", "interventional"}});
  }
  steps_.push_back({"select", {"selecting"}});
  if (with_test) {
    steps_.push_back({"test", {"testing", "sampling"}});
  }
}

std::string RunSteps::enter(const std::string& stage) {
  for (size_t i = n_entered_; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (std::any_of(step.stages.begin(), step.stages.end(), [&](const std::string& begin) {
          return stage.rfind(begin, 0) == 0;
        })) {
      n_entered_ = i + 1;
      return "step " + std::to_string(i + 1) + " of " + std::to_string(steps_.size()) + ": " +
             step.title;
    }
  }
  return "";
}

}  // namespace mascing::cli
