// One part of a job that several machines share: `--shard 2/4`.
#pragma once

#include <cstdint>
#include <string>

namespace mascing {

struct JobShard {
  int64_t i = 1;  ///< 1 .. n
  int64_t n = 1;
  [[nodiscard]] bool is_whole() const { return n == 1; }
};

/// "2/4". Throws Error{kUsage}.
[[nodiscard]] JobShard parse_shard(const std::string& text);

/// Half-open range of positions.
struct ShardRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// The shard's part of `n_block` neighbouring blocks; all shards together are all blocks, in order.
/// Throws Error{kUsage} if there are more shards than blocks, which `block` names in the plural
/// ("groups of 64 conversations").
[[nodiscard]] ShardRange blocks_of(const JobShard& shard,
                                   int64_t n_block,
                                   const std::string& block);

}  // namespace mascing
