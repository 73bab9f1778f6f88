// What is done to a model while it runs: a mask on its routers or, for comparison, a control vector
// on its residual stream.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

struct ModelInfo;

/// What an entry S of a mask does to the router logit z of its expert.
enum class SteerRule {
  kAdd,    ///< z' = z + alpha * sigma * S
  kForce,  ///< S > 0: z' = max over the token's logits + kForceMargin; S < 0: min - kForceMargin.
           ///< The expert is always, or never, chosen; alpha only switches it on. As SteerMoE does.
};

inline constexpr float kForceMargin = 0.01F;

/// Directions that are added to the residual stream after each block: h' = h + alpha * direction.
struct ControlVector {
  int64_t n_block = 0;
  int64_t n_embd = 0;                 ///< D
  std::vector<float> direction = {};  ///< [n_block, D]; a row of zeros leaves its block alone

  [[nodiscard]] const float* row(int64_t i_block) const {
    return direction.data() + i_block * n_embd;
  }
  [[nodiscard]] bool is_zero(int64_t i_block) const;
};

/// One mask at one strength; or, for comparison, a control vector, which takes the same strength.
/// Nothing of either, alpha 0 or all zeros leave the model bit for bit as it is.
struct Steering {
  std::shared_ptr<const Mask> mask = {};
  float alpha = 0.0F;
  SteerRule rule = SteerRule::kAdd;
  std::shared_ptr<const ControlVector> control = nullptr;
};

/// False for a steering that leaves the model as it is.
[[nodiscard]] bool is_active(const Steering& steering);

/// Throws Error{kMismatch} naming both models unless `mask` was made for the model of `info`.
void require_same_model(const Mask& mask, const ModelInfo& info);
/// Throws Error{kMismatch} unless mask and control vector of `steering` fit the model of `info`.
void require_fit(const Steering& steering, const ModelInfo& info);

}  // namespace mascing
