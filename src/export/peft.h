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

struct PeftRecord {
  std::vector<std::string> lines;  ///< the origin of the mask; empty for a folder that is not ours
  bool is_checked = false;         ///< false: of an earlier version, which stored no hashes
  std::string changed;             ///< the file that is not as it was written; empty if none
};

/// What an adapter of ours says of itself. Throws Error{kBadInput} for a damaged one.
[[nodiscard]] PeftRecord describe_peft(const std::string& folder);

}  // namespace mascing
