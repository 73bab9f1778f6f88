// How the model of an export chooses its experts, as far as fit and check can follow it.
#pragma once

#include <vector>

#include "format/router_traits.h"
#include "mascing/export.h"

namespace mascing {

struct FollowedChoice {
  RouterTraits traits;  ///< without bias and groups where they cannot be followed
  std::vector<Warning> warnings;
};

/// Throws as open_model.
[[nodiscard]] FollowedChoice follow_choice(const ExportOptions& options);

}  // namespace mascing
