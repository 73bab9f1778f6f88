// Steering of a running model: a mask on its routers or, for comparison, a control vector on its
// residual stream.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

struct ModelInfo;

/// Effect of a mask entry S on the router logit z of its expert.
enum class SteerRule {
  kAdd,    ///< z' = z + alpha * sigma * S
  kForce,  ///< S > 0: z' = max over the token's logits + kForceMargin; S < 0: min - kForceMargin.
           ///< The expert is always or never selected, for any alpha > 0, as in SteerMoE.
};

inline constexpr float kForceMargin = 0.01F;

/// Directions added to the residual stream after each block: h' = h + alpha * direction.
struct ControlVector {
  int64_t n_block = 0;
  int64_t n_embd = 0;                 ///< D
  std::vector<float> direction = {};  ///< [n_block, D]; a zero row leaves its block unchanged

  [[nodiscard]] const float* row(int64_t i_block) const {
    return direction.data() + i_block * n_embd;
  }
  [[nodiscard]] bool is_zero(int64_t i_block) const;
};

/// One mask at one strength or, for comparison, a control vector at that strength. Without either,
/// with alpha 0 or with all zeros the model is unchanged bit for bit.
struct Steering {
  std::shared_ptr<const Mask> mask = {};
  float alpha = 0.0F;
  SteerRule rule = SteerRule::kAdd;
  std::shared_ptr<const ControlVector> control = nullptr;
};

/// False for a steering that leaves the model unchanged.
[[nodiscard]] bool is_active(const Steering& steering);

/// Throws Error{kMismatch} naming both models unless `mask` was made for the model of `info`.
void require_same_model(const Mask& mask, const ModelInfo& info);
/// What helps where something was made for another model than this one.
[[nodiscard]] std::string other_model_hint(const ModelInfo& info);
/// Throws Error{kMismatch} unless mask and control vector of `steering` match the model of `info`.
void require_fit(const Steering& steering, const ModelInfo& info);

}  // namespace mascing
