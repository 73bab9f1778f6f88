// The two losses: binary cross-entropy on a logit, and the divergence of a softmax distribution
// from itself under a shift of its logits.
#pragma once

#include <cstdint>

namespace mascing::nn {

/// -log sigmoid(logit) for label 1, -log sigmoid(-logit) for label 0, without overflow.
[[nodiscard]] double bce_with_logits(double logit, double label);

/// Its derivative by the logit: sigmoid(logit) - label.
[[nodiscard]] double d_bce_with_logits(double logit, double label);

/// 1 / (1 + exp(-x)) without overflow.
[[nodiscard]] double sigmoid(double x);

/// KL(p || q) in nats for q proportional to p exp(sigma s), over n numbers each; p sums to 1, and
/// is 0 where a choice is impossible. Writes the derivative by s, sigma (q - p), to d [n].
/// For s = 0, and wherever s is the same for all, result and derivative are exactly 0.
template <typename Scalar>
[[nodiscard]] double tilt_divergence(
    const Scalar* p, const Scalar* s, Scalar sigma, int64_t n, Scalar* d);

}  // namespace mascing::nn
