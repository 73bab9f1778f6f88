// Traces on disk: a folder with manifest.json and shards. A shard is a safetensors file of one F16
// tensor [T, L, E] a conversation, written whole or not at all; its name derives from the hash of
// what it was made from, so that a repeated run skips what is there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/trace_set.h"

namespace mascing {

/// What all shards of a store have in common.
struct TraceStoreHeader {
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  std::vector<int64_t> blocks;  ///< [L]
  std::string architecture;
  std::string fingerprint;
  std::string model_name;
  std::string inputs_hash;    ///< of all that the store was made from; the caller's own word
  RouterSketch routers = {};  ///< of the model; empty in stores of earlier versions

  bool operator==(const TraceStoreHeader&) const = default;
};

/// One conversation's trace, as it is written.
struct StoredTrace {
  std::string id;
  std::string topic;
  std::string set;
  int label = -1;
  int64_t n_token = 0;
  std::vector<uint16_t> logits;   ///< IEEE half precision, [T, L, E]
  std::string conversation = {};  ///< as in TraceView
};

/// Fills a folder. Shards become visible one by one, the manifest at the end: until finish() a
/// reader sees the store as it was before.
class TraceStoreWriter {
 public:
  /// Creates the folder. Throws Error{kUsage} for a header whose sizes disagree, Error{kSystem}.
  TraceStoreWriter(std::string folder, TraceStoreHeader header);

  /// True if a whole shard of this hash, made by the same model, is there. Hashes are letters and
  /// digits.
  [[nodiscard]] bool has_shard(const std::string& shard_hash) const;
  /// Copies such a shard from another folder. False if it is not there.
  bool take_shard(const std::string& shard_hash, const std::string& folder);
  /// Writes a shard; one of the same hash is replaced. Throws Error{kUsage} if a trace does not fit
  /// the header or an id occurs twice, Error{kSystem}.
  void add_shard(const std::string& shard_hash, const std::vector<StoredTrace>& traces);
  /// Writes the manifest: these shards in this order. Throws Error{kBadInput} if one is missing or
  /// broken.
  void finish(const std::vector<std::string>& shard_hashes);

 private:
  [[nodiscard]] bool is_shard_in(const std::string& folder, const std::string& shard_hash) const;

  std::string folder_;
  TraceStoreHeader header_;
};

/// Maps all shards of a finished store, traces in the order of the manifest. A store of more than
/// 256 MB lets go of traces that are released (trace_release.h). Throws
/// Error{kBadInput} for a missing or broken manifest or shard, Error{kMismatch} if a shard was made
/// by another model.
[[nodiscard]] TraceSet read_traces(const std::string& folder);

/// Files of traces that a store's manifest does not list.
struct UnlistedShards {
  int64_t n_file = 0;
  int64_t n_byte = 0;
};

/// Of a finished store; they were made with other conversations, options or models. Throws as
/// read_traces().
[[nodiscard]] UnlistedShards unlisted_shards(const std::string& folder);

/// SHA-256 over model, sizes, and every trace with its id, topic, set and label. Reads all logits.
[[nodiscard]] std::string hash_traces(const TraceSet& set);

}  // namespace mascing
