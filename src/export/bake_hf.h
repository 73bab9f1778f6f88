// A router update added to the weights of a Hugging Face folder in safetensors: for vLLM, SGLang,
// TGI and transformers, on one machine or a cluster.
//
// Not exact, as every update (router_update.h); exact where the mask's sigma is calibrated and the
// router has a bias to add it to (gpt-oss). Rounding to bf16 or f16 comes on top and is reported.
#pragma once

#include <string>
#include <vector>

#include "export/bake_gguf.h"
#include "export/router_update.h"
#include "mascing/progress.h"

namespace mascing {

struct HfReport {
  std::vector<std::string> rewritten;  ///< safetensors files with changed routers
  std::vector<std::string> linked;     ///< files taken over as they are
  std::vector<std::string> skipped;    ///< other weights and folders, which would not be steered
  std::vector<RoundingLoss> losses;
};

/// Writes the folder `output`, which must not exist or be empty; it appears when it is complete.
/// Only the router bytes of the files that hold routers differ from `folder`; index and names stay.
/// mascing.json in it says what was done. `any_model`: do not insist that the routers are those the
/// mask was made for. Throws Error{kMismatch} if they are not, or if layers or shapes differ,
/// Error{kBadInput} for a damaged folder, Error{kUsage} for an output that is in use,
/// Error{kSystem}, Error{kInterrupted}.
HfReport bake_hf(const std::string& folder,
                 const std::string& output,
                 const RouterUpdate& update,
                 bool any_model,
                 const Progress& progress = {});

/// What mascing.json says and whether the routers are still those that were baked: a line of text
/// each. Empty if the folder is not baked. Throws Error{kBadInput}.
[[nodiscard]] std::vector<std::string> describe_hf_bake(const std::string& folder);

}  // namespace mascing
