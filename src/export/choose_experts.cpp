// Partial sort of indices.
#include "export/choose_experts.h"

#include <algorithm>
#include <numeric>

namespace mascing {

void choose_experts(const float* logits, int64_t n, int64_t k, std::vector<int32_t>& out) {
  out.resize(n);
  std::iota(out.begin(), out.end(), 0);
  std::partial_sort(out.begin(), out.begin() + k, out.end(), [&](int32_t a, int32_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  });
  out.resize(k);
  std::sort(out.begin(), out.end());
}

}  // namespace mascing
