// Refines a router's update to select the same experts as the exact mask. Only for the .cpp files
// of this folder.
#pragma once

#include "export/fit_layer_parts.h"

#include <Eigen/Core>

namespace mascing {

/// Moves `start` [E, F] down the gradient of
///   sum over tokens, experts i chosen by the exact mask, experts j not chosen,
///       log(1 + exp((s_j - s_i) / width)),   s the scores of logits + alpha * matrix * x
/// (the logits, but for a bias or groups, where pairs of groups are added likewise), x the features
/// of `problem`, which are in coordinates in which they are uncorrelated, by Adam on
/// blocks of tokens. Pairs far from the selection border are skipped. A fifth of the
/// tokens is held out, and the matrix that does best on them is returned, or `start` if none is
/// better.
[[nodiscard]] Eigen::MatrixXf refine_choice(const LayerProblem& problem,
                                            const Eigen::MatrixXf& start,
                                            int64_t n_thread);

}  // namespace mascing
