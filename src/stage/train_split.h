// Splits labelled traces into a training and a validation part.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/trace_set.h"

namespace mascing {

/// Numbers of traces in the order of the set, disjoint.
struct TrainSplit {
  std::vector<int64_t> train;
  std::vector<int64_t> validation;
  bool is_by_topic = false;  ///< no topic is in both parts
};

/// Moves about `validation_share` of each class of the `labelled` traces to the validation part,
/// whole topics at a time (a trace without a topic stands for itself). If no choice of topics
/// leaves both classes on both sides, single traces are drawn. A share of 0 leaves the validation
/// part empty. Throws Error{kInsufficient} if a class has fewer than two traces while the share is
/// above 0.
[[nodiscard]] TrainSplit split_for_training(const TraceSet& set,
                                            const std::vector<int64_t>& labelled,
                                            double validation_share,
                                            uint64_t seed);

/// Moves about `share` of the given traces, whatever their labels, to the validation part, whole
/// topics at a time; single traces if there is one topic only. Both parts hold at least one trace.
/// Throws Error{kInsufficient} if there is one trace only.
[[nodiscard]] TrainSplit hold_out_topics(const TraceSet& set,
                                         const std::vector<int64_t>& traces,
                                         double share,
                                         uint64_t seed);

}  // namespace mascing
