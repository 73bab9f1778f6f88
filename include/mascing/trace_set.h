// Traces in memory or mapped from disk, for the training stages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

/// A view of one trace, whose data is owned by `TraceSet::storage`.
struct TraceView {
  std::string id;
  std::string topic;
  std::string set;  ///< name of its set in the scenario
  int label = -1;   ///< 1, 0, or -1 = unlabelled (benign and hold sets need no label)
  int64_t n_token = 0;
  const uint16_t* logits = nullptr;  ///< IEEE half precision, [T, L, E]
  std::string conversation = {};     ///< its hash, as in Mask::conversations; may be empty
};

/// All traces of one model.
struct TraceSet {
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  std::vector<int64_t> blocks;  ///< [L]
  std::string architecture;
  std::string fingerprint;
  RouterSketch routers;
  std::string model_name;
  std::vector<TraceView> traces;
  std::shared_ptr<const void> storage;  ///< owns the data that `traces` points to
  /// Called for a trace that will not be read for a while, so that its memory can be released and
  /// reloaded from disk. May be empty; may be called from several threads.
  std::function<void(const TraceView&)> release;
};

/// The hashes that the traces have, sorted, each once.
[[nodiscard]] std::vector<std::string> conversations_of(const TraceSet& set);

/// An empty mask for the model of the traces, with their conversations. The caller fills in steer,
/// sigma and the fields that describe how the mask was made.
[[nodiscard]] Mask mask_for(const TraceSet& set);

}  // namespace mascing
