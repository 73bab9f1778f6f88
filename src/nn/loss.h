// The two losses: binary cross-entropy on a logit, and the divergence between two softmax
// distributions.
#pragma once

#include <cstdint>

namespace mascing::nn {

/// -log sigmoid(logit) for label 1, -log sigmoid(-logit) for label 0, without overflow.
[[nodiscard]] double bce_with_logits(double logit, double label);

/// Its derivative by the logit: sigmoid(logit) - label.
[[nodiscard]] double d_bce_with_logits(double logit, double label);

/// 1 / (1 + exp(-x)) without overflow.
[[nodiscard]] double sigmoid(double x);

/// KL(softmax(z) || softmax(z_steered)) in nats over n logits each. Writes the derivative by
/// z_steered, softmax(z_steered) - softmax(z), to d_steered [n].
template <typename Scalar>
[[nodiscard]] double softmax_divergence(const Scalar* z,
                                        const Scalar* z_steered,
                                        int64_t n,
                                        Scalar* d_steered);

}  // namespace mascing::nn
