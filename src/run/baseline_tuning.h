// The choice among the settings of a baseline, on the selection split and within the limits that
// masks have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mascing/candidate_result.h"
#include "measure/eval_context.h"
#include "run/baseline_settings.h"

namespace mascing {

/// The unsteered model on the selection split.
struct TuningBase {
  std::vector<TextBlock> blocks;  ///< of general text, in the form that is limited; may be empty
  double perplexity = 0.0;
  std::map<std::string, Rate> rates;  ///< by metric
};

[[nodiscard]] TuningBase measure_tuning_base(const EvalContext& context);

struct TunedBaseline {
  size_t i_setting = 0;
  CandidateResult result;  ///< what the selection split said of it
};

/// The setting with the best target rate of those that keep all limits; failing that, of those that
/// came furthest.
[[nodiscard]] TunedBaseline tune_baseline(const EvalContext& context,
                                          const TuningBase& base,
                                          const Baseline& baseline);

}  // namespace mascing
