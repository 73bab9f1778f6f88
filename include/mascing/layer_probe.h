// A dry forward pass that checks which MoE layers of a model can be traced and steered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/llama_host.h"

namespace mascing {

struct LayerProbe {
  int64_t block = 0;
  bool is_traced = false;   ///< the router logits were found
  bool is_steered = false;  ///< a banned expert was not selected and a boosted one was
  std::string reason;       ///< why one of them failed; empty if both succeeded
};

/// One entry per MoE layer, in order. Loads the model and decodes eight tokens three times. Throws
/// Error{kBadInput} and Error{kHost} as open_llama_host does.
[[nodiscard]] std::vector<LayerProbe> probe_layers(const LlamaHostOptions& options);

}  // namespace mascing
