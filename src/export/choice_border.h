// The border of a token's choice of experts: between those chosen and the others and, where experts
// come in groups, between groups. Only for the .cpp files of this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "format/expert_choice.h"

namespace mascing {

/// One token's experts in the order in which the choice at a router would take them.
struct RankedExperts {
  std::vector<float> scores;        ///< [E]
  std::vector<float> slopes;        ///< [E] of each score in the expert's own logit
  std::vector<int32_t> order;       ///< those of groups that stay, best first
  std::vector<ExpertGroup> groups;  ///< best first; none without groups
};

[[nodiscard]] RankedExperts rank_experts(const LayerChoice& choice,
                                         const float* logits,
                                         int64_t n_expert);

/// By how much each expert's logit [E] is above the border between k chosen experts and the others,
/// to first order. The two best of a group count from the border between groups where that is
/// nearer, other experts of groups that drop out are infinitely far below, and so are all where the
/// token decides.
[[nodiscard]] std::vector<float> border_distances(const LayerChoice& choice,
                                                  const float* logits,
                                                  int64_t n_expert,
                                                  int64_t k);

}  // namespace mascing
