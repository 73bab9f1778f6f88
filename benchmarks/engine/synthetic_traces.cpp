// Normal numbers come from a table of half-precision ones: billions are needed.
#include "synthetic_traces.h"

#include <algorithm>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "mascing/trace_store.h"

namespace mascing {
namespace {

constexpr int64_t kShardTraces = 64;
constexpr int64_t kTableSize = 65536;
constexpr float kShift = 0.25F;  // of a telling expert's logit, with the label's sign
constexpr int64_t kTellingExperts = 4;

class NoiseTable {
 public:
  explicit NoiseTable(Rng& rng) {
    for (float& value : table_) {
      value = static_cast<float>(rng.normal());
    }
    to_half(table_.data(), halves_.data(), kTableSize);
  }

  /// Fills n numbers.
  void draw(Rng& rng, uint16_t* to, int64_t n) const {
    for (int64_t i = 0; i < n;) {
      uint64_t bits = rng.next();
      for (int k = 0; k < 4 && i < n; ++k, ++i, bits >>= 16U) {
        to[i] = halves_[bits & (kTableSize - 1)];
      }
    }
  }

 private:
  std::vector<float> table_ = std::vector<float>(kTableSize);
  std::vector<uint16_t> halves_ = std::vector<uint16_t>(kTableSize);
};

StoredTrace make_trace(const SyntheticOptions& options,
                       int64_t i_trace,
                       const NoiseTable& noise,
                       Rng& rng) {
  StoredTrace trace;
  trace.id = std::string("c").append(std::to_string(i_trace));
  trace.topic = std::string("topic ").append(std::to_string(i_trace / 7));
  trace.set = "synthetic";
  trace.label = static_cast<int>(i_trace % 2);
  trace.n_token = options.min_token + rng.below(options.max_token - options.min_token + 1);
  const int64_t size = options.n_layer * options.n_expert;
  trace.logits.resize(trace.n_token * size);
  noise.draw(rng, trace.logits.data(), trace.n_token * size);
  const float shift = trace.label == 1 ? kShift : -kShift;
  for (int64_t i_token = 0; i_token < trace.n_token; ++i_token) {
    for (int64_t k = 0; k < kTellingExperts; ++k) {
      const int64_t i_layer = (k + 1) * options.n_layer / (kTellingExperts + 1);
      const int64_t at = i_token * size + i_layer * options.n_expert + k % options.n_expert;
      trace.logits[at] = float_to_half(half_to_float(trace.logits[at]) + shift);
    }
  }
  return trace;
}

}  // namespace

void write_synthetic_traces(const std::string& folder, const SyntheticOptions& options) {
  TraceStoreHeader header;
  header.n_layer = options.n_layer;
  header.n_expert = options.n_expert;
  header.n_expert_used = options.n_expert_used;
  for (int64_t i = 0; i < options.n_layer; ++i) {
    header.blocks.push_back(i);
  }
  header.architecture = "synthetic";
  header.fingerprint = "synthetic";
  header.model_name = "synthetic";
  TraceStoreWriter writer(folder, header);
  Rng rng(options.seed);
  const NoiseTable noise(rng);
  std::vector<std::string> hashes;
  for (int64_t begin = 0; begin < options.n_trace; begin += kShardTraces) {
    std::vector<StoredTrace> shard;
    for (int64_t i = begin; i < std::min(options.n_trace, begin + kShardTraces); ++i) {
      shard.push_back(make_trace(options, i, noise, rng));
    }
    hashes.push_back(std::string("s").append(std::to_string(hashes.size())));
    writer.add_shard(hashes.back(), shard);
  }
  writer.finish(hashes);
}

}  // namespace mascing
