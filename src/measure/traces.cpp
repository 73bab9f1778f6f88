// A shard holds a fixed number of conversations of one set and is named by the hash of their texts
// and labels.
#include "measure/traces.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/trace_store.h"

namespace mascing {
namespace {

struct StoredShard {
  std::string set;
  std::vector<const Conversation*> rows;  ///< of the inputs
  std::string hash;
};

std::vector<StoredShard> divide(const std::vector<TraceInput>& inputs, const ModelInfo& info) {
  std::vector<StoredShard> shards;
  for (const TraceInput& input : inputs) {
    const auto n_row = static_cast<int64_t>(input.rows.size());
    for (int64_t start = 0; start < n_row; start += kTraceBlock) {
      StoredShard shard{input.set, {}, {}};
      Sha256 digest;
      digest.update("trace-v1 " + info.identity + " " + input.set + "\n");
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

/// Those that `part` has, neighbours in the list.
std::vector<StoredShard> shards_of(std::vector<StoredShard> shards, const JobShard& part) {
  const ShardRange range =
      blocks_of(part,
                static_cast<int64_t>(shards.size()),
                "blocks of " + std::to_string(kTraceBlock) + " conversations of one file");
  return {std::make_move_iterator(shards.begin() + range.begin),
          std::make_move_iterator(shards.begin() + range.end)};
}

void require_folders(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (!file_exists(folder)) {
      throw Error(ErrorKind::kBadInput,
                  "[trace] there is no folder '" + folder + "' to merge",
                  "give the folders that `mascing trace --shard` wrote");
    }
  }
}

/// Traces of a shard's conversations; those that fail are left out, and named in `skipped` if that
/// is given.
std::vector<StoredTrace> trace_shard(Host& host,
                                     const StoredShard& shard,
                                     std::vector<Skipped>* skipped) {
  const auto skip = [&](const std::string& id, const std::string& reason) {
    if (skipped != nullptr) {
      skipped->push_back({id, reason});
    }
  };
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
      skip(row->id, e.what());
    }
  }
  std::vector<StoredTrace> traces;
  auto outcomes = host.trace(requests);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].ok()) {
      skip(rows[i]->id, outcomes[i].error);
      continue;
    }
    traces.push_back({rows[i]->id,
                      rows[i]->topic,
                      shard.set,
                      rows[i]->label.value_or(-1),
                      outcomes[i].value.n_token,
                      std::move(outcomes[i].value.logits)});
  }
  return traces;
}

/// Names every conversation that has no trace, with its reason; shards of an earlier run do not
/// hold the reasons, so the few that failed are tried once more.
void add_skipped(Host& host,
                 const std::vector<StoredShard>& shards,
                 const TraceSet& set,
                 std::vector<Skipped>& skipped) {
  std::set<std::pair<std::string, std::string>> traced;
  for (const TraceView& trace : set.traces) {
    traced.emplace(trace.set, trace.id);
  }
  for (const StoredShard& shard : shards) {
    StoredShard missing{shard.set, {}, {}};
    for (const Conversation* row : shard.rows) {
      if (traced.count({shard.set, row->id}) == 0) {
        missing.rows.push_back(row);
      }
    }
    if (!missing.rows.empty()) {
      trace_shard(host, missing, &skipped);
    }
  }
}

}  // namespace

TraceSet collect_traces(Host& host,
                        const std::vector<TraceInput>& inputs,
                        const TraceStoreOptions& store,
                        std::vector<Skipped>& skipped,
                        const Progress& progress) {
  const ModelInfo& info = host.describe();
  require_folders(store.merge);
  const std::vector<StoredShard> shards = shards_of(divide(inputs, info), store.shard);
  std::vector<std::string> hashes;
  int64_t n_total = 0;
  for (const StoredShard& shard : shards) {
    hashes.push_back(shard.hash);
    n_total += static_cast<int64_t>(shard.rows.size());
  }
  TraceStoreHeader header{info.n_layer,
                          info.n_expert,
                          info.n_expert_used,
                          info.blocks,
                          info.architecture,
                          info.fingerprint,
                          info.name,
                          {}};
  Sha256 digest;
  for (const std::string& hash : hashes) {
    digest.update(hash);
  }
  header.inputs_hash = digest.hex();
  TraceStoreWriter writer(store.folder, header);
  int64_t n_done = 0;
  for (const StoredShard& shard : shards) {
    report(progress, {"tracing", n_done, n_total, "conversations", ""});
    const bool is_there =
        writer.has_shard(shard.hash) ||
        std::any_of(store.merge.begin(), store.merge.end(), [&](const std::string& folder) {
          return writer.take_shard(shard.hash, folder);
        });
    if (!is_there) {
      writer.add_shard(shard.hash, trace_shard(host, shard, nullptr));
    }
    n_done += static_cast<int64_t>(shard.rows.size());
  }
  report(progress, {"tracing", n_total, n_total, "conversations", ""});
  writer.finish(hashes);
  TraceSet set = read_traces(store.folder);
  add_skipped(host, shards, set, skipped);
  if (set.traces.empty()) {
    throw Error(
        ErrorKind::kInsufficient,
        "[trace] none of " + std::to_string(n_total) + " conversations was traced" +
            (skipped.empty() ? "" : ": " + skipped.front().reason),
        "look at the reasons: conversations must end with a user message and fit the context");
  }
  return set;
}

}  // namespace mascing
