// Distances in scores are divided by slopes, which are 1 where logits decide alone.
#include "export/choice_border.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace mascing {
namespace {

constexpr float kFarBelow = -std::numeric_limits<float>::infinity();
constexpr float kFlat = 1e-12F;  // no slope is less

}  // namespace

RankedExperts rank_experts(const LayerChoice& choice, const float* logits, int64_t n_expert) {
  RankedExperts ranked;
  selection_scores(choice, logits, n_expert, ranked.scores);
  selection_slopes(choice, logits, n_expert, ranked.slopes);
  ranked.groups = rank_groups(choice, ranked.scores);
  if (ranked.groups.empty()) {
    ranked.order.resize(n_expert);
    std::iota(ranked.order.begin(), ranked.order.end(), 0);
  } else {
    const int64_t n = n_expert / choice.n_group;
    for (int64_t i = 0; i < choice.n_group_used; ++i) {
      ranked.order.resize(ranked.order.size() + n);
      std::iota(ranked.order.end() - n,
                ranked.order.end(),
                static_cast<int32_t>(ranked.groups[i].i_group * n));
    }
    std::sort(ranked.order.begin(), ranked.order.end());
  }
  std::stable_sort(ranked.order.begin(), ranked.order.end(), [&](int32_t a, int32_t b) {
    return ranked.scores[a] > ranked.scores[b];
  });
  return ranked;
}

std::vector<float> border_distances(const LayerChoice& choice,
                                    const float* logits,
                                    int64_t n_expert,
                                    int64_t k) {
  std::vector<float> distances(n_expert, kFarBelow);
  if (choice.is_by_token) {
    return distances;
  }
  const RankedExperts ranked = rank_experts(choice, logits, n_expert);
  const std::vector<float>& scores = ranked.scores;
  const int64_t n_inside = std::min<int64_t>(k, std::ssize(ranked.order) - 1);
  const float last = scores[ranked.order[std::max<int64_t>(n_inside - 1, 0)]];
  const float border = n_inside > 0 ? 0.5F * (last + scores[ranked.order[n_inside]]) : last;
  for (const int32_t i : ranked.order) {
    distances[i] = (scores[i] - border) / std::max(ranked.slopes[i], kFlat);
  }
  if (ranked.groups.empty()) {
    return distances;
  }
  const float group_border =
      0.5F * (ranked.groups[choice.n_group_used - 1].sum + ranked.groups[choice.n_group_used].sum);
  for (const ExpertGroup& group : ranked.groups) {
    for (const int64_t i : {group.best, group.second}) {
      const float distance = (group.sum - group_border) / std::max(ranked.slopes[i], kFlat);
      distances[i] = std::fabs(distance) < std::fabs(distances[i]) ? distance : distances[i];
    }
  }
  return distances;
}

}  // namespace mascing
