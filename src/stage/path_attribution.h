// Which entries of a mask bring about its effect: derivatives along the path from no mask to the
// mask, integrated (integrated gradients; Sundararajan, Taly, Yan 2017, arXiv 1703.01365).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "stage/outcome_gradient.h"

namespace mascing {

/// The change of an outcome between no mask and a mask, divided among the mask's entries.
struct PathAttribution {
  std::vector<double> part;            ///< [L, E] nats, over all ranks of an adapter
  std::vector<double> standard_error;  ///< [L, E] over conversations
  double change = 0.0;                 ///< nats: mean outcome under the mask minus that without
  int64_t n = 0;                       ///< conversations; 0: there are no derivatives
};

struct PathOptions {
  int64_t n_item = 32;     ///< conversations at most, evenly spread over the set
  int64_t n_interval = 8;  ///< intervals of the path; a conversation takes one reverse pass more
};

/// An expert's part is that of its entry, or the sum of those of an adapter's ranks. Entry j's part
/// is  S_j integral_0^1 d m(t S) / d S_j dt, by the trapezoid rule, as a mean over conversations of
/// set `i_set`. In a smooth model the parts add up to `change`. Experts enter and leave the top-k
/// in jumps, which derivatives meet only as `SwapOptions` smooths them: compare the sum of the
/// parts with `change` before you trust them. Conversations without a derivative at any point are
/// left out; `n` is 0 if fewer than 3 remain.
[[nodiscard]] PathAttribution attribute_change(const Mask& mask,
                                               const std::vector<OutcomeSet>& sets,
                                               int64_t i_set,
                                               const AskGradients& ask,
                                               const PathOptions& options = {});

}  // namespace mascing
