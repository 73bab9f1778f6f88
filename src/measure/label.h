// Labels for the discovery split, based on the replies of the unsteered model.
#pragma once

#include <vector>

#include "mascing/conversation.h"
#include "measure/eval_context.h"

namespace mascing {

/// The labelled discovery split of a set: 0 = the wanted outcome, 1 = the opposite.
struct Labelled {
  std::vector<Conversation> rows;  ///< with label and reply; unclear ones are dropped
  int64_t n_label_0 = 0;
  int64_t n_label_1 = 0;
  int64_t n_unclear = 0;     ///< neither outcome: empty, incoherent, or another opening
  int64_t n_unfinished = 0;  ///< of these, ended within the reasoning
  std::vector<Skipped> skipped;
};

/// Computes the limit from the unsteered replies to the first rows of every discovery split, or of
/// every test split where an evaluation has no other data (calibration_split). Throws
/// Error{kInsufficient} if more than half of a set's are unfinished, so that a model which does not
/// get to its visible part is found out at once.
[[nodiscard]] CoherenceLimit coherence_limit(CachedEvaluator& evaluator, const Dataset& data);

/// Asks the conversations of a set and labels them by what the unsteered model answers. Throws
/// Error{kInsufficient} if it is the target set and a class is missing, or, for any set, if more
/// than half of the replies are unfinished.
[[nodiscard]] Labelled label_discovery(const EvalContext& context, const LoadedSet& set);

}  // namespace mascing
