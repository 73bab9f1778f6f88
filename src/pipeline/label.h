// Labels for the discovery split: what the unsteered model really answers decides them.
#pragma once

#include <vector>

#include "mascing/results.h"
#include "pipeline/bench.h"
#include "pipeline/dataset.h"

namespace mascing {

struct Labelled {
  std::vector<Conversation>
      rows;  ///< target set, discovery split; label and reply filled, unlabelled rows left out
  int64_t n_label_0 = 0;  ///< the wanted outcome
  int64_t n_label_1 = 0;  ///< its opposite
  int64_t n_unclear = 0;  ///< neither (empty, incoherent, another opening): left out
  std::vector<Skipped> skipped;
};

/// From the unsteered model's own replies to the first rows of every set's discovery split.
[[nodiscard]] CoherenceLimit coherence_limit(Bench& bench, const Dataset& data);

/// Asks the target set. Label 0 = the wanted outcome, 1 = the opposite one. Throws
/// Error{kInsufficient} if a class is missing.
[[nodiscard]] Labelled label_discovery(Bench& bench,
                                       const Dataset& data,
                                       const RefusalJudge& judge,
                                       const CoherenceLimit& limit);

/// How the replies of `set` are judged.
[[nodiscard]] JudgeRules rules_for(const ScenarioSet& set,
                                   const RefusalJudge& judge,
                                   const CoherenceLimit& limit);

}  // namespace mascing
