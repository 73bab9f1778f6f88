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

/// The shard's range of `n_block` consecutive blocks; all shards together cover all blocks in
/// order. Throws Error{kUsage} if there are more shards than blocks. `block` is the plural name of
/// a block
/// ("groups of 64 conversations").
[[nodiscard]] ShardRange blocks_of(const JobShard& shard,
                                   int64_t n_block,
                                   const std::string& block);

}  // namespace mascing
