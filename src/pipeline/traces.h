// From labelled conversations to a trace store on disk.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "mascing/trace_set.h"

namespace mascing {

/// Conversations to trace under one set's name.
struct TraceInput {
  std::string set;
  std::vector<Conversation> rows;  ///< label as known, absent = -1
};

/// Records the router logits at the final user message of every conversation and stores them in
/// `folder`, shard by shard; shards that are there are kept. Conversations that cannot be traced
/// are added to `skipped`. Throws Error{kInsufficient} if none can be.
[[nodiscard]] TraceSet collect_traces(Host& host,
                                      const std::vector<TraceInput>& inputs,
                                      const std::string& folder,
                                      std::vector<Skipped>& skipped,
                                      const Progress& progress);

}  // namespace mascing
