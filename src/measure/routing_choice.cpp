// Stages know nothing of files, so they are given the choice as a function.
#include "measure/routing_choice.h"

#include <memory>

#include "format/model_choice.h"

namespace mascing {

RoutingChoice routing_choice(const ModelInfo& info) {
  const auto choice = std::make_shared<const ModelChoice>(read_model_choice(info));
  return {
      [choice](int64_t i_layer, const float* logits) { return choice->experts(i_layer, logits); },
      choice->key(),
      choice->why_by_logits(),
      choice->layers_by_token()};
}

}  // namespace mascing
