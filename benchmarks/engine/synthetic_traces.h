// Traces of no model: noise in which a few experts tell the label, as large as asked for.
#pragma once

#include <cstdint>
#include <string>

namespace mascing {

struct SyntheticOptions {
  int64_t n_layer = 48;
  int64_t n_expert = 128;
  int64_t n_expert_used = 8;
  int64_t n_trace = 560;  ///< half of them with label 1
  int64_t min_token = 8;
  int64_t max_token = 48;
  uint64_t seed = 1;
};

/// Writes a trace store, shard by shard.
void write_synthetic_traces(const std::string& folder, const SyntheticOptions& options);

}  // namespace mascing
