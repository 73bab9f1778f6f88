// Adds a router update to the weights of a GGUF model, which then runs in any GGUF engine at no
// extra cost.
//
// An approximation like every update (router_update.h), but exact if the mask's sigma is calibrated
// and the router has a bias (gpt-oss). Rounding to the router's tensor type adds an error, which is
// reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "export/router_update.h"
#include "mascing/export_quality.h"
#include "mascing/progress.h"
#include "mascing/tensor_codec.h"

namespace mascing {

struct BakeReport {
  std::vector<std::string> files;  ///< all parts of the new model, the first one first
  std::vector<RoundingLoss> losses;
};

/// The largest of the losses, of equal ones the last; no loss if there is none.
[[nodiscard]] RoundingLoss largest_loss(const std::vector<RoundingLoss>& losses);

/// Throws Error{kBadInput} with the hint if rounding takes more than half of a router's change.
void require_kept(const std::vector<RoundingLoss>& losses, const std::string& hint);
inline constexpr const char* kGgufRoundingHint =
    "use a model with F32 routers (the llama.cpp default), or the LoRA adapter (--to lora)";

/// Copies the model (all parts of a split one; parts without routers are linked where the file
/// system can) with `update` at strength `update.origin.alpha` added to its routers. Only
/// metadata and routers change. The routers' original bytes are stored after the tensors, where
/// readers ignore them. The new names appear only when everything is on disk. For a split
/// model, `output` is the name of the first part or, without "-00001-of-0000N", of the whole.
/// Throws Error{kMismatch} for an update of another model, Error{kUsage} if the output is the model
/// itself, Error{kBadInput} for a model that is already baked or a router type that cannot be
/// written or loses more than half of the change, Error{kSystem}, Error{kInterrupted}.
BakeReport bake_gguf(const std::string& model,
                     const std::string& output,
                     const RouterUpdate& update,
                     const TensorCodec& codec,
                     const Progress& progress = {});

/// Throws what bake_gguf would, of all that can be told from the outline of an update (outline_of).
void require_bakeable(const std::string& model,
                      const std::string& output,
                      const RouterUpdate& outline,
                      const TensorCodec& codec);

/// The record stored in a baked model.
struct BakeRecord {
  RouterUpdate update;     ///< without the weights
  bool is_intact = false;  ///< the routers are unchanged since baking
  bool can_undo = false;   ///< the original bytes are present and undamaged, and so is the rest
  bool is_rest_checked = false;  ///< false for files of earlier versions: only routers and header
};

/// Empty if the model is not baked. Throws Error{kBadInput}.
[[nodiscard]] std::optional<BakeRecord> read_bake(const std::string& model);

/// Restores the original file byte for byte. Throws Error{kBadInput} if the model is not baked, was
/// changed since, or lost the original bytes. Header and routers are checked in full; of longer
/// stretches between routers (16 MiB) samples are.
std::vector<std::string> unbake_gguf(const std::string& model,
                                     const std::string& output,
                                     const Progress& progress = {});

}  // namespace mascing
