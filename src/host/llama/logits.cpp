// Log-normaliser of a softmax: terms are exponentiated in float, block by block, and summed in
// double.
#include "host/llama/logits.h"

#include <algorithm>
#include <cmath>

namespace mascing {

double log_sum_exp(const float* row, int64_t n) {
  const float top = *std::max_element(row, row + n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += static_cast<double>(std::exp(row[i] - top));
  }
  return static_cast<double>(top) + std::log(sum);
}

}  // namespace mascing
