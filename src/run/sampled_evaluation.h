// Sampled replies beside the greedy ones: rates over conversations and seeds, with intervals that
// know that the replies to one conversation are no independent cases.
#pragma once

#include <string>
#include <vector>

#include "mascing/scenario.h"
#include "measure/cached_evaluator.h"
#include "stage/evaluate.h"

namespace mascing {

/// What is sampled.
struct SampledPlan {
  std::string metric;
  const std::vector<Conversation>& rows;     ///< as the base is asked
  const std::vector<Conversation>& treated;  ///< as the steered side is asked
  const JudgeRules& rules;
  Steering steering;
  uint64_t seed = 0;  ///< of the run
};

/// How the replies for one of the scenario's sample seeds are drawn; `seed` is the run's.
[[nodiscard]] Sampling sampling_of(const Scenario& scenario, uint64_t seed, int64_t sample_seed);

/// One sampled reply for each of the scenario's sample seeds; both sides of a conversation draw
/// from the same random stream.
[[nodiscard]] SampledResult evaluate_sampled(CachedEvaluator& evaluator,
                                             const SampledPlan& plan,
                                             const Scenario& scenario);

}  // namespace mascing
