// Test conversations that are none: a given mask was made from them, or chosen with them.
#pragma once

#include <string>
#include <vector>

#include "mascing/mask.h"
#include "run/holdout_evaluation.h"
#include "scenario/dataset.h"

namespace mascing {

/// Hashes of all conversations that a search looks at: the discovery and selection splits of every
/// set. Sorted, each once.
[[nodiscard]] std::vector<std::string> searched_conversations(const Dataset& data);

/// Counts for each set the test conversations that `mask` was made with, and warns if there are
/// any. A mask that does not say leaves all at 0.
void mark_seen(const Dataset& data, const Mask& mask, HoldoutResult& holdout);

}  // namespace mascing
