// A mask as JSON for EasySteer, an extension of vLLM that steers routers per request
// (algorithm "moe_router", mode "soft": z + lambda * std(z) for the experts of a list).
//
// An approximation. EasySteer allows one expert list and one lambda per layer, while a mask has a
// value per expert. Each row of the mask is replaced by the closest two-level row, and the error is
// reported. Levels are defined up to a shift, which softmax routers ignore.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/export_quality.h"
#include "mascing/mask.h"

namespace mascing {

/// The mask at strength `alpha`; layers that it leaves alone are absent.
[[nodiscard]] std::vector<EasySteerLayer> easysteer_layers(const Mask& mask, double alpha);

/// {"layer_configs": {"<block>": {"mode": "soft", "expert_ids": [...], "lambda": ...}}}. Written
/// atomically. Throws Error{kInsufficient} if there is no layer.
void write_easysteer(const std::string& path,
                     const Mask& mask,
                     const std::vector<EasySteerLayer>& layers);

}  // namespace mascing
