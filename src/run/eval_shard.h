// An evaluation split across machines (`mascing eval --shard 2/4`). Each machine runs its share of
// the requests and stores the results in its cache; the merge copies the caches and computes only
// what is missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/cache.h"
#include "measure/eval_context.h"
#include "measure/shard.h"

namespace mascing {

/// Asks one share of what coherence_limit and evaluate_holdout ask, base and steered, and has the
/// replies judged. A block is the calibrating chunk of a set, 64 conversations of its test split,
/// the multiple-choice questions, or the text. The divergence of benign replies, which needs them
/// all, is left to the merge. Throws Error{kUsage} if there are more shards than blocks.
void ask_shard(const EvalContext& context,
               const Steering& steering,
               uint64_t seed,
               const JobShard& shard);

/// Identifies the evaluation a folder belongs to, stored in its part.json.
void mark_part(const std::string& folder, const std::string& key);
/// Copies the caches of other folders. Throws Error{kBadInput} for a folder that is not a shard,
/// Error{kMismatch} for one of a different evaluation.
void take_parts(const std::vector<std::string>& folders,
                const std::string& key,
                const Cache& cache);

}  // namespace mascing
