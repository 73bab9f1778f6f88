// A file holds a fixed number of conversations of one set and is named by the hash of their texts
// and labels.
#include "measure/traces.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/trace_store.h"
#include "measure/call_guard.h"

namespace mascing {
namespace {

struct StoredShard {
  std::string set;
  std::vector<const Conversation*> rows;  ///< of the inputs
  std::string hash;
};

std::vector<StoredShard> divide(const std::vector<TraceInput>& inputs,
                                const ModelInfo& info,
                                const std::string& context) {
  std::vector<StoredShard> shards;
  for (const TraceInput& input : inputs) {
    const int64_t n_row = std::ssize(input.rows);
    for (int64_t start = 0; start < n_row; start += kTraceBlock) {
      StoredShard shard{input.set, {}, {}};
      Sha256 digest;
      digest.update("trace-v3 " + info.identity + " " + context + " " + input.set + "\n");
      for (int64_t i = start; i < std::min(start + kTraceBlock, n_row); ++i) {
        shard.rows.push_back(&input.rows[i]);
        digest.update(to_jsonl(input.rows[i]) + "\n");
      }
      shard.hash = digest.hex().substr(0, 32);
      shards.push_back(std::move(shard));
    }
  }
  return shards;
}

/// The range of the list that belongs to `part`.
std::vector<StoredShard> shards_of(std::vector<StoredShard> shards, const JobShard& part) {
  const ShardRange range =
      blocks_of(part,
                std::ssize(shards),
                "blocks of " + std::to_string(kTraceBlock) + " conversations of one file");
  return {std::make_move_iterator(shards.begin() + range.begin),
          std::make_move_iterator(shards.begin() + range.end)};
}

/// Twins would be trained on twice, and tested on each other.
void require_unique_ids(const std::vector<TraceInput>& inputs) {
  std::set<std::pair<std::string, std::string>> known;
  for (const TraceInput& input : inputs) {
    for (const Conversation& row : input.rows) {
      if (!known.emplace(input.set, row.id).second) {
        throw Error(
            ErrorKind::kBadInput,
            "[trace] set '" + printable(input.set) + "' has id '" + printable(row.id) + "' twice",
            "ids must be unique within a set, which has the name of its file; list each "
            "file once, and rename one of two with the same name");
      }
    }
  }
}

void require_folders(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (!file_exists(folder)) {
      throw Error(ErrorKind::kBadInput,
                  "[trace] folder '" + folder + "' to merge does not exist",
                  "use the output folders of `mascing trace --shard`");
    }
  }
}

struct TracedShard {
  std::vector<StoredTrace> traces;
  std::vector<Skipped> skipped;
};

TracedShard trace_shard(Host& host, const StoredShard& shard) {
  TracedShard traced;
  std::vector<TraceRequest> requests;
  std::vector<const Conversation*> rows;
  for (const Conversation* row : shard.rows) {
    try {
      Prompt prompt = host.render(*row);
      requests.push_back({std::move(prompt.tokens), prompt.final_user, {}});
      rows.push_back(row);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kBadInput) {
        throw;
      }
      traced.skipped.push_back({row->id, e.what()});
    }
  }
  auto results = host.trace(requests);
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].ok()) {
      traced.skipped.push_back({rows[i]->id, results[i].error});
      continue;
    }
    traced.traces.push_back({rows[i]->id,
                             rows[i]->topic,
                             shard.set,
                             rows[i]->label.value_or(-1),
                             results[i].value.n_token,
                             std::move(results[i].value.logits),
                             conversation_hash(*rows[i])});
  }
  return traced;
}

constexpr const char* kFailedOnce =
    "failed when the folder was made, and would be traced now; trace into a new folder";

/// Every conversation that has no trace, with its reason; shards of an earlier run do not hold the
/// reasons, so the few that failed are tried once more.
std::vector<Skipped> find_skipped(Host& host,
                                  const std::vector<StoredShard>& shards,
                                  const TraceSet& set) {
  std::set<std::pair<std::string, std::string>> traced;
  for (const TraceView& trace : set.traces) {
    traced.emplace(trace.set, trace.id);
  }
  std::vector<Skipped> skipped;
  for (const StoredShard& shard : shards) {
    StoredShard missing{shard.set, {}, {}};
    for (const Conversation* row : shard.rows) {
      if (traced.count({shard.set, row->id}) == 0) {
        missing.rows.push_back(row);
      }
    }
    if (missing.rows.empty()) {
      continue;
    }
    std::map<std::string, std::string> reasons;
    for (Skipped& again : trace_shard(host, missing).skipped) {
      reasons.emplace(again.id, std::move(again.reason));
    }
    for (const Conversation* row : missing.rows) {
      const auto known = reasons.find(row->id);
      skipped.push_back({row->id, known == reasons.end() ? kFailedOnce : known->second});
    }
  }
  return skipped;
}

TraceStoreHeader header_of(const ModelInfo& info, const std::vector<std::string>& hashes) {
  Sha256 digest;
  for (const std::string& hash : hashes) {
    digest.update(hash);
  }
  return {info.n_layer,
          info.n_expert,
          info.n_expert_used,
          info.blocks,
          info.architecture,
          info.fingerprint,
          info.name,
          digest.hex(),
          info.routers};
}

/// Takes a shard over from one of the folders to merge, if one has it.
bool take_shard(TraceStoreWriter& writer,
                const std::string& hash,
                const std::vector<std::string>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return writer.take_shard(hash, folder);
  });
}

/// Conversations of a store.
struct StoreCount {
  int64_t n_total = 0;
  int64_t n_kept = 0;  ///< of blocks that were there, or in a folder to merge
};

/// Writes what the store lacks.
StoreCount write_store(Host& host,
                       const std::vector<StoredShard>& shards,
                       const TraceStoreOptions& store,
                       const Progress& progress) {
  std::vector<std::string> hashes;
  StoreCount count;
  for (const StoredShard& shard : shards) {
    hashes.push_back(shard.hash);
    count.n_total += std::ssize(shard.rows);
  }
  const int64_t n_total = count.n_total;
  TraceStoreWriter writer(store.folder, header_of(host.describe(), hashes));
  int64_t n_done = 0;
  for (const StoredShard& shard : shards) {
    report(progress, {"tracing", n_done, n_total, "conversations", ""});
    if (writer.has_shard(shard.hash) || take_shard(writer, shard.hash, store.merge)) {
      count.n_kept += std::ssize(shard.rows);
    } else {
      CallGuard guard(host, {}, [&](const std::string& note) {
        return !progress || progress({"tracing", n_done, n_total, "conversations", note});
      });
      writer.add_shard(shard.hash, guard.run([&] { return trace_shard(host, shard).traces; }));
    }
    n_done += std::ssize(shard.rows);
  }
  report(progress, {"tracing", n_total, n_total, "conversations", ""});
  writer.finish(hashes);
  return count;
}

}  // namespace

Traced collect_traces(Host& host,
                      const std::vector<TraceInput>& inputs,
                      const TraceStoreOptions& store,
                      const Progress& progress) {
  require_folders(store.merge);
  require_unique_ids(inputs);
  const std::vector<StoredShard> shards =
      shards_of(divide(inputs, host.describe(), store.context), store.shard);
  const StoreCount count = write_store(host, shards, store, progress);
  Traced traced{read_traces(store.folder), {}, count.n_kept};
  traced.skipped = find_skipped(host, shards, traced.traces);
  if (traced.traces.traces.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[trace] none of " + std::to_string(count.n_total) + " conversations was traced" +
                    (traced.skipped.empty() ? "" : ": " + traced.skipped.front().reason),
                "see the reasons; conversations must end with a user message and fit the context");
  }
  return traced;
}

}  // namespace mascing
