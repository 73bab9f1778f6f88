// What is read of the routing, by the choice of experts that the model makes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/model_info.h"
#include "stage/routing_changes.h"

namespace mascing {

/// As it stands: by the largest logits.
struct RoutingChoice {
  ChooseExperts choose = {};
  std::string key = {};                       ///< of `choose`, for the cache
  std::string why_by_logits = {};             ///< as in RoutingResult
  std::vector<int64_t> layers_by_token = {};  ///< likewise
};

/// As the model's file says.
[[nodiscard]] RoutingChoice routing_choice(const ModelInfo& info);

struct RoutingTask {
  std::vector<RoutedReply> replies;
  Steering steering;
  RoutingChoice choice = {};
};

}  // namespace mascing
