// What a model's GGUF file says about its routers, read without loading the model.
#pragma once

#include <string>

#include "mascing/host.h"

namespace mascing {

/// Opens the file, and all parts of a split one (give the first), checks that every tensor lies
/// inside, and describes the model. `gating` is "softmax", "sigmoid", "softmax_weight",
/// "sqrt_softplus", "default" if the file leaves it to the engine, or "unknown". Blocks that only
/// predict further tokens ahead (nextn) are not counted as layers: the engine does not run them.
/// Fingerprint: SHA-256 over architecture and, per MoE layer, block number, type, dims and bytes of
/// the router weight and bias. Identity: SHA-256 over the headers of all parts and the fingerprint.
/// Throws Error{kBadInput} if a part is missing or broken, the model is dense, or a router does not
/// have one row for each expert.
[[nodiscard]] ModelInfo read_model_info(const std::string& path);

}  // namespace mascing
