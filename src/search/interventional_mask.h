// A candidate mask through a surrogate that was trained on interventions.
#pragma once

#include <cstdint>

#include "mascing/surrogate_result.h"
#include "mascing/trace_set.h"
#include "measure/cached_evaluator.h"
#include "scenario/dataset.h"
#include "search/mask_search.h"
#include "search/objectives.h"
#include "search/search_space.h"

namespace mascing {

struct InterventionalMask {
  Candidate candidate;
  InterventionalSurrogateResult result;
};

/// The discovery split as the model is asked about it, and as it was traced.
struct DiscoveryData {
  const Objectives& objectives;
  const Dataset& data;
  const TraceSet& traces;
};

/// Answers of the model are cached, the training is not: it takes seconds.
[[nodiscard]] InterventionalMask make_interventional_mask(CachedEvaluator& evaluator,
                                                          const DiscoveryData& discovery,
                                                          const Scenario& scenario,
                                                          const SearchSpace& space,
                                                          const BuildOptions& options);

}  // namespace mascing
