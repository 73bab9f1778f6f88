// Selection of experts by their logits.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Indices of the k largest of n numbers, ascending; ties go to the first. 1 <= k <= n.
void choose_experts(const float* logits, int64_t n, int64_t k, std::vector<int32_t>& out);

}  // namespace mascing
