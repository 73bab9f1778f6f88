// Stops a run whose test split cannot carry a result, and warns where it hardly can.
#pragma once

#include <vector>

#include "mascing/power_result.h"
#include "mascing/warning.h"
#include "scenario/dataset.h"
#include "stage/power.h"

namespace mascing {

/// Of the target set. Throws Error{kInsufficient} if p < 0.05 is out of reach even if every
/// conversation that is left were fixed.
[[nodiscard]] PowerResult require_power(const Dataset& data, const BaseReplies& base);

/// `<metric>_small` for hold sets with fewer than `kFewConversations` test conversations: what a
/// mask may do to them unseen.
[[nodiscard]] std::vector<Warning> hold_warnings(const Dataset& data);

/// A discovery split that has too few conversations of one outcome, whatever the model answers.
[[nodiscard]] std::vector<Warning> discovery_warnings(const LoadedSet& target);

}  // namespace mascing
