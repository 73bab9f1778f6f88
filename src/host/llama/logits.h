// Arithmetic on rows of output logits.
#pragma once

#include <cstdint>

namespace mascing {

/// log(sum(exp(row))) in double, n >= 1.
[[nodiscard]] double log_sum_exp(const float* row, int64_t n);

}  // namespace mascing
