// Rank statistics of scores against labels.
#pragma once

#include <vector>

namespace mascing::nn {

/// Area under the ROC curve: the chance that a random score of label 1 exceeds a random one of
/// label 0, ties counted half. 0.5 if a class is missing. Both vectors have the same length, no
/// score is NaN.
[[nodiscard]] double rank_auc(const std::vector<double>& scores, const std::vector<int>& labels);

}  // namespace mascing::nn
