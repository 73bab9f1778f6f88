// Traces in memory or mapped from disk, as the training stages read them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

/// One trace as a view: who keeps the numbers alive is up to `TraceSet::storage`.
struct TraceView {
  std::string id;
  std::string topic;
  std::string set;  ///< name of the scenario's data set it came from
  int label = -1;   ///< 1, 0, or -1 = unlabelled (benign and hold sets need no label)
  int64_t n_token = 0;
  const uint16_t* logits = nullptr;  ///< IEEE half precision, [T, L, E]
};

/// All traces of one model.
struct TraceSet {
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  std::vector<int64_t> blocks;  ///< [L]
  std::string architecture;
  std::string fingerprint;
  std::string model_name;
  std::vector<TraceView> traces;
  std::shared_ptr<const void> storage;  ///< keeps what `traces` points into
  /// Told about a trace that will not be read for a while, so that its owner may let go of memory
  /// that it can get back from disk. May be empty; may be called from several threads.
  std::function<void(const TraceView&)> release;
};

/// A mask without entries for the model that the traces were recorded on: steer, sigma and
/// everything about how the mask was made are left to the caller.
[[nodiscard]] Mask mask_for(const TraceSet& set);

}  // namespace mascing
