// Assigns labelled traces to the folds of a cross-validation.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/trace_set.h"

namespace mascing {

struct FoldSplit {
  std::vector<int64_t> fold_of;  ///< per labelled trace, 0 .. n_fold - 1
  bool is_by_topic = false;      ///< no topic is in more than one fold
};

/// Assigns whole topics to folds, largest first, to balance both classes. Assigns individual traces
/// if otherwise the training part of a fold would lack a class or a fold would be empty.
[[nodiscard]] FoldSplit split_folds(const TraceSet& set,
                                    const std::vector<int64_t>& labelled,
                                    int64_t n_fold,
                                    uint64_t seed);

}  // namespace mascing
