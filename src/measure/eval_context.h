// What every step of a run measures with: the model behind its cache, the conversations, the judge.
#pragma once

#include "mascing/judge.h"
#include "mascing/scenario.h"
#include "measure/cached_evaluator.h"
#include "scenario/dataset.h"
#include "stage/coherence.h"

namespace mascing {

/// Cheap to copy. All references must outlive it.
struct EvalContext {
  CachedEvaluator& evaluator;
  const Dataset& data;
  const Scenario& scenario;
  Judge& judge;
  CoherenceLimit coherence;  ///< below which replies count as coherent

  [[nodiscard]] const LoadedSet& target() const { return data.target(); }
  /// How the replies to a set are judged.
  [[nodiscard]] JudgeRules rules_for(const ScenarioSet& set) const {
    return {&judge, coherence, set.wanted, set.answer_prefixes, set.metric};
  }
};

}  // namespace mascing
