// The file is opened once more, for a host describes its model without what acts on the logits.
#include "format/model_choice.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/sha256.h"
#include "format/model_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

bool is_by_logits(const LayerChoice& choice) {
  return !choice.is_by_token && choice.bias.empty() && choice.n_group == 0;
}

}  // namespace

FollowedTraits follow_traits(const OpenModel& model, const TensorCodec* codec) {
  FollowedTraits followed{read_router_traits(model, codec), {}};
  followed.why_not = why_choice_unknown(followed.traits, model.info.n_expert);
  if (!followed.why_not.empty()) {
    followed.traits.selection_bias.clear();
    followed.traits.n_group = 0;
  }
  return followed;
}

ModelChoice::ModelChoice(const ModelInfo& info, const FollowedTraits& followed)
    : n_expert_(info.n_expert),
      n_expert_used_(std::clamp<int64_t>(info.n_expert_used, 1, info.n_expert)),
      why_by_logits_(followed.why_not) {
  for (int64_t i = 0; i < info.n_layer; ++i) {
    layers_.push_back(layer_choice(followed.traits, i));
  }
}

std::vector<int64_t> ModelChoice::experts(int64_t i_layer, const float* logits) const {
  const LayerChoice& choice = layers_.at(i_layer);
  if (choice.is_by_token) {
    return {};
  }
  std::vector<int32_t> chosen;
  choose_experts(choice, logits, n_expert_, n_expert_used_, chosen);
  return {chosen.begin(), chosen.end()};
}

std::vector<int64_t> ModelChoice::layers_by_token() const {
  std::vector<int64_t> layers;
  for (int64_t i = 0; i < std::ssize(layers_); ++i) {
    if (layers_[i].is_by_token) {
      layers.push_back(i);
    }
  }
  return layers;
}

std::string ModelChoice::key() const {
  if (std::all_of(layers_.begin(), layers_.end(), is_by_logits)) {
    return "";
  }
  Sha256 digest;
  for (const LayerChoice& choice : layers_) {
    const std::array<int64_t, 5> form = {static_cast<int64_t>(choice.gate),
                                         choice.n_group,
                                         choice.n_group_used,
                                         choice.is_by_token ? 1 : 0,
                                         std::ssize(choice.bias)};
    digest.update(form.data(), form.size() * sizeof(int64_t));
    digest.update(choice.bias.data(), choice.bias.size() * sizeof(float));
  }
  return digest.hex();
}

ModelChoice read_model_choice(const ModelInfo& info) {
  try {
    return {info, follow_traits(open_model(info.path))};
  } catch (const Error&) {
    return {info, {{}, "the model's file cannot be read"}};
  }
}

}  // namespace mascing
