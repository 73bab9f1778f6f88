// Mann and Whitney's U from the ranks, with mid-ranks for ties.
#include "nn/metric.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace mascing::nn {

double rank_auc(const std::vector<double>& scores, const std::vector<int>& labels) {
  const auto n = static_cast<int64_t>(scores.size());
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0.0;
  double n_positive = 0.0;
  for (int64_t begin = 0; begin < n;) {
    int64_t end = begin;
    double n_tied_positive = 0.0;
    while (end < n && scores[order[end]] == scores[order[begin]]) {
      n_tied_positive += labels[order[end]] == 1 ? 1.0 : 0.0;
      ++end;
    }
    rank_sum += n_tied_positive * 0.5 * static_cast<double>(begin + 1 + end);  // ranks start at 1
    n_positive += n_tied_positive;
    begin = end;
  }
  const double n_negative = static_cast<double>(n) - n_positive;
  if (n_positive == 0.0 || n_negative == 0.0) {
    return 0.5;
  }
  return (rank_sum - 0.5 * n_positive * (n_positive + 1.0)) / (n_positive * n_negative);
}

}  // namespace mascing::nn
