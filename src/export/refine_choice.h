// Makes a router's update choose the experts that the exact mask chooses. Only for the .cpp files
// of this folder.
#pragma once

#include "export/fit_layer_parts.h"

#include <Eigen/Core>

namespace mascing {

/// Moves `start` [E, F] down the gradient of
///   sum over tokens, experts i chosen by the exact mask, experts j not chosen,
///       log(1 + exp((y_j - y_i) / width)),   y = logits + alpha * matrix * x,
/// x the rows of `white` [n_fit, F]: the inputs in coordinates in which they are uncorrelated, by
/// Adam on blocks of tokens. Pairs far from the border of the choice are left out. A fifth of the
/// tokens is not learnt from: the matrix that does best on them is returned, `start` if none does
/// better.
[[nodiscard]] Eigen::MatrixXf refine_choice(const LayerProblem& problem,
                                            const Eigen::MatrixXf& white,
                                            const Eigen::MatrixXf& start);

}  // namespace mascing
