// Sampled replies in addition to the greedy ones: rates over conversations and seeds. The intervals
// account for the dependence of replies to the same conversation.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "mascing/metric_result.h"
#include "measure/treatment.h"

namespace mascing {

/// How the replies for one of the scenario's sample seeds are drawn; `seed` is the run's.
[[nodiscard]] Sampling sampling_of(const Scenario& scenario, uint64_t seed, int64_t sample_seed);

/// One sampled reply to each conversation of a set's test split for each of the scenario's sample
/// seeds, without and with the treatment; both sides of a conversation draw from the same random
/// stream. `seed` is the run's.
[[nodiscard]] SampledResult evaluate_sampled(const EvalContext& context,
                                             const LoadedSet& set,
                                             const Treatment& treatment,
                                             uint64_t seed);

/// Sampled replies per conversation, of the metrics that have any.
[[nodiscard]] int64_t n_sampled(const std::map<std::string, MetricResult>& metrics);

}  // namespace mascing
