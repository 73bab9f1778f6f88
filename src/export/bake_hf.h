// Adds a router update to the weights of a Hugging Face folder in safetensors, for vLLM, SGLang,
// TGI and transformers.
//
// An approximation like every update (router_update.h), but exact if the mask's sigma is calibrated
// and the router has a bias (gpt-oss). Rounding to bf16 or f16 adds an error, which is reported.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "export/bake_gguf.h"
#include "export/router_update.h"
#include "mascing/progress.h"

namespace mascing {

struct HfReport {
  std::vector<std::string> rewritten;  ///< safetensors files with changed routers
  std::vector<std::string> linked;     ///< unchanged files, those of folders within among them
  std::vector<std::string> skipped;    ///< omitted: other weights and folders of them, which would
                                       ///< bypass steering, empty and hidden folders, links to some
  std::vector<RoundingLoss> losses;
};

/// Writes the folder `output`, which must not exist or be empty; it appears when it is complete.
/// Only the router bytes differ from `folder`; index and names are unchanged. Its mascing.json
/// records the change. `any_model` skips the check that the routers are those the mask was made
/// for. Throws Error{kMismatch} if they are not, or if layers or shapes differ,
/// Error{kBadInput} for a damaged folder, Error{kUsage} for an output that is in use,
/// Error{kSystem}, Error{kInterrupted}.
HfReport bake_hf(const std::string& folder,
                 const std::string& output,
                 const RouterUpdate& update,
                 bool any_model,
                 const Progress& progress = {});

/// Throws Error{kBadInput} for a folder that bake_hf wrote.
void require_unbaked_folder(const std::string& folder);

inline constexpr const char* kHfRoundingHint =
    "use a folder whose routers are in F32, or the adapter on the routers (--to peft)";

/// What mascing.json says.
struct HfRecord {
  std::vector<std::string> lines;  ///< one item each; empty if the folder is not baked
  int64_t n_changed = 0;           ///< routers that are not as they were baked
};

/// Throws Error{kBadInput}.
[[nodiscard]] HfRecord describe_hf_bake(const std::string& folder);

}  // namespace mascing
