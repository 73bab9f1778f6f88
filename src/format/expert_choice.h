// Which experts a router's logits choose, computed as llama.cpp v0.5.0 does (build_moe_ffn):
// gating, then the selection bias, then groups, then the K best. The conformance tests compare it
// with what the graphs chose.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/router_traits.h"

namespace mascing {

/// What makes scores of logits.
enum class Gate { kLogits, kSoftmax, kSigmoid, kSqrtSoftplus };

/// How one router's experts are chosen. As it stands: those with the largest logits.
struct LayerChoice {
  Gate gate = Gate::kLogits;  ///< kLogits also where the gating cannot change an order
  std::vector<float> bias;    ///< [E] added to the scores; empty: none
  int64_t n_group = 0;        ///< 0 = none
  int64_t n_group_used = 0;
  bool is_by_token = false;  ///< the logits decide nothing

  /// True if the choice stays when all logits grow by the same.
  [[nodiscard]] bool ignores_shift() const {
    return gate == Gate::kLogits || gate == Gate::kSoftmax;
  }
};

/// A group of experts, worth as much as its two best together.
struct ExpertGroup {
  int64_t i_group = 0;
  int64_t best = 0;
  int64_t second = 0;
  float sum = 0.0F;
};

/// Empty, or why the choice of a model with a selection bias or groups cannot be computed.
[[nodiscard]] std::string why_choice_unknown(const RouterTraits& traits, int64_t n_expert);

/// Traits without layers stand for a choice by logits. why_choice_unknown must be empty.
[[nodiscard]] LayerChoice layer_choice(const RouterTraits& traits, int64_t i_layer);

/// What the choice compares, [n]: gating and bias. The more the better.
void selection_scores(const LayerChoice& choice,
                      const float* logits,
                      int64_t n,
                      std::vector<float>& scores);

/// Slope [n] of each score in the expert's own logit.
void selection_slopes(const LayerChoice& choice,
                      const float* logits,
                      int64_t n,
                      std::vector<float>& slopes);

/// Makes slopes in the logits of slopes in the scores, [n].
void pull_to_logits(const LayerChoice& choice, const float* logits, std::vector<float>& slopes);

/// Best first; none without groups.
[[nodiscard]] std::vector<ExpertGroup> rank_groups(const LayerChoice& choice,
                                                   const std::vector<float>& scores);

/// Experts of groups that drop out get minus infinity.
void leave_out_groups(const LayerChoice& choice, std::vector<float>& scores);

/// The k experts chosen of n, ascending; ties go to the first. 1 <= k <= n. Not for a choice by
/// token.
void choose_experts(const LayerChoice& choice,
                    const float* logits,
                    int64_t n,
                    int64_t k,
                    std::vector<int32_t>& out);

}  // namespace mascing
