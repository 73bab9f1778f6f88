// One layer's fit as arrays: made from samples, and measured on those held out. Only for the .cpp
// files of this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "export/constant_direction.h"
#include "format/expert_choice.h"

#include <Eigen/Core>

namespace mascing {

/// Rows follow each other in memory: they are tokens, and are read in any order.
using TokenMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// What one sigma rule adds: sigma of the token times S.
struct SigmaPush {
  Eigen::VectorXf sigma;  ///< [N]
  Eigen::VectorXf steer;  ///< [E] S, not zero
};

/// Tokens to fit come first, those held out behind them.
struct LayerProblem {
  int64_t n_fit = 0;
  int64_t n_held_out = 0;
  int64_t n_embd = 0;
  int64_t n_expert_used = 0;
  bool has_constant = false;
  float constant = 0.0F;  ///< value of the constant feature: the size of an input's entries
  double alpha = 1.0;
  LayerChoice choice;
  TokenMatrix features;           ///< [N, F]: inputs, then the constant if there is one
  Eigen::MatrixXf logits;         ///< [N, E]
  std::vector<SigmaPush> pushes;  ///< one, unless the mask has parts
  Eigen::MatrixXf wanted;         ///< [N, E] their sum: what the logits are to gain at strength 1
  double sigma = 0.0;             ///< mean of the first push's sigma over the tokens to fit
  Eigen::VectorXf token_weight;  ///< [n_fit] variance, under the routing probabilities, of the push
                                 ///< in units of the first sigma: of S, unless the mask has parts
  Eigen::MatrixXf border_weight;  ///< [n_fit, E] nearness to the border of the choice

  [[nodiscard]] int64_t n_feature() const { return features.cols(); }
  [[nodiscard]] int64_t n_expert() const { return logits.cols(); }
};

/// Throws Error{kInsufficient} if there is nothing to fit or nothing held out.
[[nodiscard]] LayerProblem make_problem(const RouterSamples& samples,
                                        const Mask& mask,
                                        int64_t i_layer,
                                        double alpha,
                                        const FitOptions& options);

/// Calls work(begin, end) for pieces of `size` of 0 .. n, the last one shorter, on up to `n_thread`
/// threads. The pieces are the same for any number of threads.
void for_pieces(int64_t n,
                int64_t size,
                int64_t n_thread,
                const std::function<void(int64_t begin, int64_t end)>& work);

/// On the held-out tokens.
[[nodiscard]] FitQuality measure(const LayerProblem& problem, const LayerUpdate& layer);

}  // namespace mascing
