// An evaluation that several machines share (`mascing eval --shard 2/4`): each asks its share of
// what a test asks and leaves the answers in its cache; whoever merges takes them over and finds
// them there instead of asking.
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

/// Which evaluation a folder belongs to, kept in its part.json.
void mark_part(const std::string& folder, const std::string& key);
/// Takes over what the caches of other folders hold. Throws Error{kBadInput} for a folder without a
/// part, Error{kMismatch} for one of another evaluation.
void take_parts(const std::vector<std::string>& folders,
                const std::string& key,
                const Cache& cache);

}  // namespace mascing
