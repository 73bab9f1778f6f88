// One layer's fit as arrays: made from samples, and measured on those held out. Only for the .cpp
// files of this folder.
#pragma once

#include <cstdint>

#include "export/constant_direction.h"

#include <Eigen/Core>

namespace mascing {

/// Tokens to fit come first, those held out behind them.
struct LayerProblem {
  int64_t n_fit = 0;
  int64_t n_held_out = 0;
  int64_t n_embd = 0;
  int64_t n_expert_used = 0;
  bool has_constant = false;
  float constant = 0.0F;  ///< value of the constant feature: the size of an input's entries
  double alpha = 1.0;
  Eigen::MatrixXf features;       ///< [N, F]: inputs, then the constant if there is one
  Eigen::MatrixXf logits;         ///< [N, E]
  Eigen::VectorXf sigma;          ///< [N] what S is to be multiplied with
  Eigen::VectorXf steer;          ///< [E] S
  Eigen::VectorXf token_weight;   ///< [n_fit] variance of S under the routing probabilities
  Eigen::MatrixXf border_weight;  ///< [n_fit, E] nearness to the border of the choice

  [[nodiscard]] int64_t n_feature() const { return features.cols(); }
  [[nodiscard]] int64_t n_expert() const { return logits.cols(); }
};

/// Throws Error{kInsufficient} if there is nothing to fit or nothing held out.
[[nodiscard]] LayerProblem make_problem(
    const RouterSamples& samples, const Mask& mask, int64_t i_layer, double alpha, bool may_shift);

/// On the held-out tokens.
[[nodiscard]] FitQuality measure(const LayerProblem& problem, const LayerUpdate& layer);

}  // namespace mascing
