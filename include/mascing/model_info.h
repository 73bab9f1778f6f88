// Description of a model, read from its file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/router_sketch.h"

namespace mascing {

class TensorCodec;

/// Properties of a model known without computation. Layers have two numberings: `i_layer` counts
/// only MoE layers (0 .. L-1), a block number counts all blocks of the file.
struct ModelInfo {
  std::string path;
  std::string name;
  std::string description;  ///< description stored in the file; may be empty
  std::string architecture;
  std::string fingerprint;  ///< SHA-256 of architecture and router tensors as stored
  RouterSketch routers;     ///< their values, up to rounding
  std::string identity;     ///< SHA-256 that also covers tensor types, tokenizer, chat template and
                            ///< samples of all weights
  std::string baked;        ///< the mask in its routers, in words; empty: none that mascing baked
  int64_t size_bytes = 0;   ///< of the file, or of all parts of a split one
  int64_t n_block = 0;
  int64_t n_layer = 0;        ///< L: MoE layers
  int64_t n_expert = 0;       ///< E
  int64_t n_expert_used = 0;  ///< K
  int64_t n_embd = 0;         ///< D
  int64_t n_vocab = 0;
  int64_t n_context_train = 0;
  std::string gating;           ///< "softmax", "sigmoid", ... ; "unknown" if not in the file
  std::vector<int64_t> blocks;  ///< [L] block number of each MoE layer
  std::vector<bool> has_bias;   ///< [L] whether the router has a bias
};

/// Opens the file, and all parts of a split one (give the first), checks that every tensor lies
/// inside, and describes the model. `gating` is "softmax", "sigmoid", "softmax_weight",
/// "sqrt_softplus", "default" if the file leaves it to the engine, or "unknown". Blocks that only
/// predict further tokens ahead (nextn) are not counted as layers: the engine does not run them.
/// Fingerprint: SHA-256 over architecture and, per MoE layer, block number, type, dims and bytes of
/// the router weight and bias. Identity: SHA-256 over the headers of all parts, their weights and
/// the fingerprint; of parts above 64 MiB, up to 33 pieces of 4 KiB of each tensor stand for the
/// weights. Throws Error{kBadInput} if a part is missing or broken, the model is dense, or a router
/// does not have one row for each expert. With `allow_dense`, a dense model is described, too, as
/// one without MoE layers. `codec` decodes quantised routers for their sketch; null: only F32, F16
/// and BF16, others have none.
[[nodiscard]] ModelInfo read_model_info(const std::string& path,
                                        bool allow_dense = false,
                                        const TensorCodec* codec = nullptr);

}  // namespace mascing
