// The mask that the benchmarks of the host start from.
#pragma once

#include "mascing/mask.h"
#include "mascing/model_info.h"

namespace mascing {

/// Fits the model and does nothing.
inline Mask empty_mask(const ModelInfo& info) {
  Mask mask;
  mask.n_layer = info.n_layer;
  mask.n_expert = info.n_expert;
  mask.n_expert_used = info.n_expert_used;
  mask.steer.assign(static_cast<size_t>(info.n_layer * info.n_expert), 0.0F);
  mask.sigma.assign(static_cast<size_t>(info.n_layer), 1.0F);
  mask.blocks = info.blocks;
  mask.architecture = info.architecture;
  mask.fingerprint = info.fingerprint;
  return mask;
}

}  // namespace mascing
