// A candidate mask optimised through a surrogate trained on interventions.
#pragma once

#include "mascing/surrogate_result.h"
#include "mascing/trace_set.h"
#include "measure/eval_context.h"
#include "search/mask_search.h"
#include "search/objectives.h"
#include "search/search_space.h"

namespace mascing {

struct InterventionalMask {
  Candidate candidate;
  InterventionalSurrogateResult result;
  std::vector<std::string> cut_short = {};  ///< what a spent budget ended, in words
};

/// `objectives` and `traces`: of the discovery split. Answers of the model are cached, the training
/// is not: it takes seconds.
[[nodiscard]] InterventionalMask make_interventional_mask(const EvalContext& context,
                                                          const Objectives& objectives,
                                                          const TraceSet& traces,
                                                          const SearchSpace& space,
                                                          const BuildOptions& options);

}  // namespace mascing
