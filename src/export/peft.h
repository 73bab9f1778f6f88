// A mask as an adapter of PEFT, Hugging Face's library of adapters, on the routers of a model.
#pragma once

#include <string>
#include <vector>

#include "export/router_update.h"

namespace mascing {

inline constexpr const char* kPeftConfig = "adapter_config.json";
inline constexpr const char* kPeftTensors = "adapter_model.safetensors";

/// Writes a folder with these two files. `update` has no shifts. All routers get the largest rank,
/// and lora_alpha is the rank: the scale is 1, and the strength of the update lies in lora_B.
/// `folder` is the Hugging Face model. Throws Error{kUsage} if `output` is in use or the update is
/// empty, Error{kBadInput} for a damaged folder, Error{kMismatch} for that of another model, unless
/// `any_model`.
void write_peft(const std::string& folder,
                const std::string& output,
                const RouterUpdate& update,
                bool any_model);

/// The origin of the mask in an adapter of ours, line by line; empty for other folders. Throws
/// Error{kBadInput} for a damaged adapter.
[[nodiscard]] std::vector<std::string> describe_peft(const std::string& folder);

}  // namespace mascing
