// New bytes of a model's router tensors under an update. Only for the .cpp files of this folder.
#pragma once

#include <string>
#include <vector>

#include "export/bake_gguf.h"
#include "export/gguf_patch.h"
#include "format/model_file.h"

namespace mascing {

/// Throws Error{kBadInput} for a router of a layer of the update whose type the codec cannot write.
void require_writable(const OpenModel& model, const RouterUpdate& update, const TensorCodec& codec);

/// Weights and biases of the routers in part `i_part`, in file order. Appends the rounding losses
/// to `losses`. Throws Error{kBadInput} for a tensor type that the codec cannot write, or a shift
/// for a router without bias.
[[nodiscard]] std::vector<PatchedTensor> bake_routers(const OpenModel& model,
                                                      int64_t i_part,
                                                      const RouterUpdate& update,
                                                      const TensorCodec& codec,
                                                      std::vector<RoundingLoss>& losses);

/// `original` [E, D] plus strength * update, in double, then rounded to float.
[[nodiscard]] std::vector<float> changed_weight(const std::vector<float>& original,
                                                const LayerUpdate& layer,
                                                int64_t n_expert,
                                                int64_t n_embd,
                                                double strength);

/// Throws Error{kBadInput} if a value that is to go into the tensor `name` is not finite.
void require_finite(const std::string& name, const std::vector<float>& stored);

/// |stored - wanted| / |wanted - original|, 0 if nothing was to change.
[[nodiscard]] double rounding_loss(const std::vector<float>& original,
                                   const std::vector<float>& wanted,
                                   const std::vector<float>& stored);

}  // namespace mascing
