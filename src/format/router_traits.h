// How a model turns router logits into a choice of experts, as its GGUF file and the way llama.cpp
// builds its architecture say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/model_file.h"

namespace mascing {

class TensorCodec;

struct RouterTraits {
  /// "softmax", "sigmoid", "softmax_weight" (softmax over the chosen), "sqrt_softplus", or
  /// "unknown" where neither the file nor this version knows.
  std::string gating;
  bool is_known_architecture = false;    ///< whether the conformance tests have a model of it
  int64_t n_leading_dense = 0;           ///< blocks without a router before the first with one
  int64_t n_expert_shared = 0;           ///< computed for every token; no router decides over them
  int64_t n_group = 0;                   ///< groups of experts; 0 = none
  int64_t n_group_used = 0;              ///< groups that are considered for a token
  std::vector<bool> has_selection_bias;  ///< [L] added for the choice, not to the weights
  /// [L][E] its values; none where there is no bias, or its type cannot be decoded.
  std::vector<std::vector<float>> selection_bias;
  std::vector<bool> is_chosen_by_token;  ///< [L] experts are looked up by token: a mask moves their
                                         ///< weights only
};

/// `codec` decodes biases that are quantised; null: only F32, F16 and BF16. Throws Error{kBadInput}
/// if a key has a value of the wrong kind.
[[nodiscard]] RouterTraits read_router_traits(const OpenModel& model,
                                              const TensorCodec* codec = nullptr);

/// False for an architecture whose routers llama.cpp computes past its adapters: there an adapter
/// is loaded and does nothing.
[[nodiscard]] bool routers_take_adapters(const std::string& architecture);

}  // namespace mascing
