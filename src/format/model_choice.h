// Which experts a model chooses at each of its MoE layers, as far as its file tells and this
// version can follow it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/expert_choice.h"
#include "format/router_traits.h"

namespace mascing {

struct FollowedTraits {
  RouterTraits traits;  ///< without bias and groups where they cannot be followed
  std::string why_not;  ///< empty: they can
};

/// `codec` as in read_router_traits, which may throw.
[[nodiscard]] FollowedTraits follow_traits(const OpenModel& model,
                                           const TensorCodec* codec = nullptr);

class ModelChoice {
 public:
  ModelChoice(const ModelInfo& info, const FollowedTraits& followed);

  /// Chosen by these logits [E] with all that acts on them, ascending. None where the token decides
  /// over the experts, whatever its logits.
  [[nodiscard]] std::vector<int64_t> experts(int64_t i_layer, const float* logits) const;
  /// Where that is so.
  [[nodiscard]] std::vector<int64_t> layers_by_token() const;
  /// Why experts are taken by their logits alone, though the model may act otherwise; else empty.
  [[nodiscard]] const std::string& why_by_logits() const { return why_by_logits_; }
  /// Hash of all that makes the choice another than that of the largest logits; empty: nothing.
  [[nodiscard]] std::string key() const;

 private:
  std::vector<LayerChoice> layers_;
  int64_t n_expert_ = 0;
  int64_t n_expert_used_ = 0;
  std::string why_by_logits_;
};

/// From the model's file. If that cannot be read, experts are taken by their logits.
[[nodiscard]] ModelChoice read_model_choice(const ModelInfo& info);

}  // namespace mascing
