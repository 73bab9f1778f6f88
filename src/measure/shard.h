// How a job is divided into shards.
#pragma once

#include <cstdint>
#include <string>

#include "mascing/job_shard.h"

namespace mascing {

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
