// A mask as JSON for EasySteer, an extension of vLLM that steers routers per request
// (algorithm "moe_router", mode "soft": z + lambda * std(z) for the experts of a list).
//
// Not exact: EasySteer takes one list and one lambda per layer, a mask has a number for each
// expert. Each row of the mask is replaced by the two levels that come nearest to it; how near is
// reported. Levels are told apart up to a shift, which softmax routers do not see.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

struct EasySteerLayer {
  int64_t i_layer = 0;
  std::vector<int64_t> experts;
  double lambda = 0.0;     ///< in standard deviations as torch.std has them (divisor E - 1)
  double explained = 0.0;  ///< share of the variance of the mask's row that is kept
};

/// The mask at strength `alpha`; layers that it leaves alone are absent.
[[nodiscard]] std::vector<EasySteerLayer> easysteer_layers(const Mask& mask, double alpha);

/// {"layer_configs": {"<block>": {"mode": "soft", "expert_ids": [...], "lambda": ...}}}. Written
/// atomically. Throws Error{kInsufficient} if there is no layer.
void write_easysteer(const std::string& path,
                     const Mask& mask,
                     const std::vector<EasySteerLayer>& layers);

}  // namespace mascing
