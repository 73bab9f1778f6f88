// The settings of each baseline to try on the selection split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/model_info.h"
#include "mascing/trace_set.h"
#include "measure/eval_context.h"
#include "measure/treatment.h"
#include "search/mask_search.h"

namespace mascing {

struct BaselineSetting {
  std::string words;  ///< "8 experts", "block 3, alpha 2"
  Treatment treatment;
  double lambda = 0.0;
  uint64_t seed = 0;
  int64_t i_series = 0;  ///< settings of one series are ordered by rising strength
};

struct Baseline {
  std::string method;
  std::vector<BaselineSetting> settings;
};

/// How many settings a baseline has, and whether they steer the model or only speak to it.
struct SettingCount {
  int64_t n = 0;
  bool is_steered = true;
};

/// Of each baseline of `make_baselines`, in its order.
[[nodiscard]] std::vector<SettingCount> count_settings(const Scenario& scenario,
                                                       const ModelInfo& info);

/// `rows`: the labelled discovery split of the target set; `traces`: its traces.
[[nodiscard]] std::vector<Baseline> make_baselines(const EvalContext& context,
                                                   const std::vector<Conversation>& rows,
                                                   const TraceSet& traces,
                                                   const BuildOptions& options);

}  // namespace mascing
