// Arithmetic on rows of output logits.
#pragma once

#include <cstdint>

#include "mascing/host.h"

namespace mascing {

/// log(sum(exp(row))) in double, n >= 1.
[[nodiscard]] double log_sum_exp(const float* row, int64_t n);

/// The `n_top` most likely tokens of a row of n logits, 1 <= n_top <= n.
[[nodiscard]] TopRow top_row(const float* row, int64_t n, int64_t n_top);

/// KL(p || softmax(q)) in nats over the tokens of p and all others taken as one. Never negative.
[[nodiscard]] double divergence(const TopRow& p, const float* q, int64_t n);

/// KL(softmax(p) || softmax(q)) in nats. Never negative.
[[nodiscard]] double divergence(const float* p, const float* q, int64_t n);

}  // namespace mascing
