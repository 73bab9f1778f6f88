// Shares differ by at most one block.
#include "measure/shard.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {

JobShard parse_shard(const std::string& text) {
  JobShard shard;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.i);
  const bool has_slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = has_slash ? std::from_chars(first.ptr + 1, end, shard.n) : first;
  const bool is_whole = has_slash && second.ec == std::errc() && second.ptr == end;
  if (!is_whole || shard.n < 1 || shard.i < 1 || shard.i > shard.n) {
    throw Error(ErrorKind::kUsage,
                "--shard is '" + printable(text) + "', expected i/n with 1 <= i <= n",
                "for example, --shard 2/4 is the second of four shards");
  }
  return shard;
}

ShardRange blocks_of(const JobShard& shard, int64_t n_block, const std::string& block) {
  if (shard.n > n_block) {
    throw Error(ErrorKind::kUsage,
                "--shard " + std::to_string(shard.i) + "/" + std::to_string(shard.n) +
                    ", but there are only " + std::to_string(n_block) + " " + block,
                "use at most " + std::to_string(n_block) + " shards");
  }
  // Not n_block * i / n, which overflows.
  const auto begin_of = [&](int64_t i) {
    return n_block / shard.n * i + std::min(i, n_block % shard.n);
  };
  return {begin_of(shard.i - 1), begin_of(shard.i)};
}

}  // namespace mascing
