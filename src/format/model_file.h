// What a model's GGUF file says about its routers, read without loading the model.
#pragma once

#include <string>
#include <vector>

#include "format/gguf.h"
#include "mascing/model_info.h"

namespace mascing {

/// Opens the file, and all parts of a split one (give the first), checks that every tensor lies
/// inside, and describes the model. `gating` is "softmax", "sigmoid", "softmax_weight",
/// "sqrt_softplus", "default" if the file leaves it to the engine, or "unknown". Blocks that only
/// predict further tokens ahead (nextn) are not counted as layers: the engine does not run them.
/// Fingerprint: SHA-256 over architecture and, per MoE layer, block number, type, dims and bytes of
/// the router weight and bias. Identity: SHA-256 over the headers of all parts and the fingerprint.
/// Throws Error{kBadInput} if a part is missing or broken, the model is dense, or a router does not
/// have one row for each expert.
/// With `allow_dense`, a dense model is described, too, as one without MoE layers.
[[nodiscard]] ModelInfo read_model_info(const std::string& path, bool allow_dense = false);

/// The tensors of one MoE layer's router, and the part of the model they are in.
struct RouterTensors {
  int64_t i_part = 0;
  const GgufTensor* weight = nullptr;  ///< {D, E}
  const GgufTensor* bias = nullptr;    ///< {E}, null where the router has none
};

/// A model's description together with its mapped parts.
struct OpenModel {
  ModelInfo info;
  std::vector<GgufFile> parts;         ///< one, unless the model is split
  std::vector<RouterTensors> routers;  ///< [L]; the pointers lead into `parts`
};

/// As read_model_info, but keeps the files open.
[[nodiscard]] OpenModel open_model(const std::string& path, bool allow_dense = false);

/// Where part `i_part` of `n_part` is, if the first part of the model is `path`: `path` itself for
/// a model in one part. Parts are named -00001-of-00003.gguf. Throws Error{kUsage} for a first part
/// that is not named so.
[[nodiscard]] std::string part_path(const std::string& path, int64_t i_part, int64_t n_part);

}  // namespace mascing
