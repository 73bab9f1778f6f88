// A model, a mask and an update small enough to be looked at number by number.
#pragma once

#include <string>
#include <vector>

#include "export/router_update.h"
#include "mascing/mask.h"

namespace mascing {

inline constexpr int64_t kSmallEmbd = 4;
inline constexpr int64_t kSmallExpert = 3;

/// Two MoE layers (blocks 1 and 2) of 3 experts, width 4; block 1's router has a bias. Written to
/// `path`, with other tensors before, between and behind the routers.
void write_small_model(const std::string& path, float first_weight = 0.5F);
/// The same model in two parts: <prefix>-00001-of-00002.gguf and so on. Returns the first.
std::string write_split_model(const std::string& prefix);

/// For that model: layer 0 gets rank 2, layer 1 rank 1.
[[nodiscard]] RouterUpdate small_update(const std::string& model);
/// Touches both layers.
[[nodiscard]] Mask small_mask(const std::string& model);

/// Values of an F32 tensor of a GGUF file.
[[nodiscard]] std::vector<float> tensor_values(const std::string& path, const std::string& name);

}  // namespace mascing
