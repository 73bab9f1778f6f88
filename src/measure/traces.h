// Records labelled conversations in a trace store on disk.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/progress.h"
#include "mascing/trace_set.h"
#include "mascing/warning.h"
#include "measure/shard.h"

namespace mascing {

/// Conversations to trace under one set's name.
struct TraceInput {
  std::string set;
  std::vector<Conversation> rows;  ///< without a label, the trace gets -1
};

/// Maximum number of conversations of one set per file of a store.
inline constexpr int64_t kTraceBlock = 64;

struct TraceStoreOptions {
  std::string folder;
  /// Restricts the work to a share of all blocks; the inputs are those of the whole job.
  JobShard shard = {};
  std::vector<std::string> merge = {};  ///< shard folders whose traces are copied
  std::string context = {};             ///< context_key(): traces under another are made again
};

struct Traced {
  TraceSet traces;
  std::vector<Skipped> skipped;  ///< conversations that could not be traced
  int64_t n_kept = 0;            ///< conversations of blocks that were there, or were merged
};

/// Records the router logits at the final user message of every conversation and stores them,
/// block by block; blocks that are there are kept. Throws Error{kInsufficient} if nothing can be
/// traced, Error{kUsage} if there are more shards than blocks, Error{kBadInput} for a folder to
/// merge that is not there, or for an id that a set has twice.
[[nodiscard]] Traced collect_traces(Host& host,
                                    const std::vector<TraceInput>& inputs,
                                    const TraceStoreOptions& store,
                                    const Progress& progress);

}  // namespace mascing
