// A router update added to the weights of a GGUF model: runs in anything that reads GGUF, at no
// cost.
//
// Not exact, as every update (router_update.h); exact where the mask's sigma is calibrated and the
// router has a bias to add it to (gpt-oss). Rounding to the router's own tensor type comes on top
// and is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "export/router_update.h"
#include "mascing/progress.h"
#include "mascing/tensor_codec.h"

namespace mascing {

/// What rounding a changed router took away: |stored - wanted| / |wanted - original|.
struct RoundingLoss {
  int64_t i_layer = 0;
  std::string type;
  double loss = 0.0;
};

struct BakeReport {
  std::vector<std::string> files;  ///< all parts of the new model, the first one first
  std::vector<RoundingLoss> losses;
};

/// Copies the model (all parts of a split one; parts without routers are linked where the file
/// system can) with `update` at strength `update.origin.alpha` added to its routers. Nothing but
/// metadata and routers changes; the routers' old bytes are kept behind the tensors, where readers
/// do not look. Nothing appears under the new names before all of it is on the disk. For a split
/// model, `output` is the name of the first part or, without "-00001-of-0000N", of the whole.
/// Throws Error{kMismatch} for an update of another model, Error{kUsage} if the output is the model
/// itself, Error{kBadInput} for a model that is baked already or a router type that cannot be
/// written, Error{kSystem}, Error{kInterrupted}.
BakeReport bake_gguf(const std::string& model,
                     const std::string& output,
                     const RouterUpdate& update,
                     const TensorCodec& codec,
                     const Progress& progress = {});

/// What a baked model says of itself.
struct BakeRecord {
  RouterUpdate update;     ///< without its numbers
  bool is_intact = false;  ///< its routers are those that were baked
  bool can_undo = false;   ///< the old bytes are there and undamaged
};

/// Nothing if the model is not baked. Throws Error{kBadInput}.
[[nodiscard]] std::optional<BakeRecord> read_bake(const std::string& model);

/// Restores the original file byte for byte. Throws Error{kBadInput} if the model is not baked, was
/// changed since, or lost the old bytes.
std::vector<std::string> unbake_gguf(const std::string& model,
                                     const std::string& output,
                                     const Progress& progress = {});

}  // namespace mascing
