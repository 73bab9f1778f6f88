// The one look at the test split.
#pragma once

#include <string>

#include "mascing/results.h"
#include "mascing/scenario.h"
#include "measure/cached_evaluator.h"
#include "scenario/dataset.h"
#include "stage/coherence.h"

namespace mascing {

/// What the test is made with.
struct HoldoutPlan {
  const Dataset& data;
  const Scenario& scenario;
  Judge& judge;
  CoherenceLimit coherence;
  Steering steering;               ///< none and no system prompt: only the base is measured
  uint64_t seed = 0;               ///< of sampled replies
  std::string system_prompt = {};  ///< of the steered side's conversations, before their own
};

struct HoldoutVerdict {
  bool holds = true;             ///< no hold set lost more than its limit
  bool is_beyond_chance = true;  ///< the target's rate rose, and by more than chance would have it
};

/// Measures all sets, the general text and the multiple-choice questions without and with the mask
/// (control vector, system prompt: with that the divergence is not measured), and adds metrics,
/// damage, skipped conversations and warnings to `results`.
HoldoutVerdict evaluate_holdout(CachedEvaluator& evaluator,
                                const HoldoutPlan& plan,
                                Results& results);

}  // namespace mascing
