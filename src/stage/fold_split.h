// Which fold of a cross-validation each labelled trace belongs to.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/trace_set.h"

namespace mascing {

struct FoldSplit {
  std::vector<int64_t> fold_of;  ///< per labelled trace, 0 .. n_fold - 1
  bool is_by_topic = false;      ///< no topic is in two folds
};

/// Deals whole topics to the folds, largest first, so that both classes are spread evenly; single
/// traces if some fold's complement would lack a class or some fold be empty.
[[nodiscard]] FoldSplit split_folds(const TraceSet& set,
                                    const std::vector<int64_t>& labelled,
                                    int64_t n_fold,
                                    uint64_t seed);

}  // namespace mascing
