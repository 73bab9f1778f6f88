// One part of a job split across machines: `--shard 2/4`.
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

}  // namespace mascing
