// What every step of a run measures with: the model behind its cache, the conversations, the judge.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

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
  /// How many first tokens of a reply stand before its visible part, such as its reasoning. Margins
  /// are asked behind them. Empty: none do.
  std::function<int64_t(const AskedReply&)> prefix_length = {};
  /// How many first tokens stand before the last sentence of a reply's reasoning, which decides
  /// what the visible part will be, and before the sentences next to it that begin with one of the
  /// given words. Margins are asked behind them instead where that tells the target's replies
  /// apart. Empty: never.
  std::function<int64_t(const AskedReply&, const std::set<std::string>&)> conclusion_length = {};

  [[nodiscard]] const LoadedSet& target() const { return data.target(); }
  /// How the replies to a set are judged.
  [[nodiscard]] JudgeRules rules_for(const ScenarioSet& set) const {
    return {&judge, coherence, set.wanted, set.answer_prefixes, set.metric};
  }
};

}  // namespace mascing
