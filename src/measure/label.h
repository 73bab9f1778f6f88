// Labels for the discovery split: what the unsteered model really answers decides them.
#pragma once

#include <vector>

#include "mascing/conversation.h"
#include "measure/eval_context.h"

namespace mascing {

/// One set's discovery split, labelled: 0 = the wanted outcome, 1 = the opposite one.
struct Labelled {
  std::vector<Conversation> rows;  ///< label and reply filled; unclear ones are left out
  int64_t n_label_0 = 0;
  int64_t n_label_1 = 0;
  int64_t n_unclear = 0;  ///< neither: empty, incoherent, another opening
  std::vector<Skipped> skipped;
};

/// From the unsteered model's own replies to the first rows of every set's discovery split.
[[nodiscard]] CoherenceLimit coherence_limit(CachedEvaluator& evaluator, const Dataset& data);

/// Asks the conversations of a set and labels them by what the unsteered model answers. Throws
/// Error{kInsufficient} if it is the target set and a class is missing.
[[nodiscard]] Labelled label_discovery(const EvalContext& context, const LoadedSet& set);

}  // namespace mascing
