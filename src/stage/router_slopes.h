// Derivatives of outcomes by the weights of the routers: which directions of what a router reads
// matter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/gradient_requests.h"
#include "mascing/mask.h"
#include "stage/outcome.h"
#include "stage/outcome_gradient.h"

namespace mascing {

/// A sum over items.
struct RouterSlopes {
  std::vector<float> sum = {};        ///< [L, E, D]; empty if no item has a derivative
  int64_t n = 0;                      ///< items in it
  std::vector<std::string> error = {};  ///< of every item: why it has no derivative, or empty
};

/// One forward and one reverse pass for each item, without a mask; routing counts as in
/// measure_outcome_gradients. `zero`: a mask of all zeros with its sigma. Throws Error{kHost} if the
/// host cannot differentiate at all.
[[nodiscard]] RouterSlopes measure_router_slopes(Host& host,
                                                 const std::vector<OutcomeSet>& sets,
                                                 int64_t i_set,
                                                 const std::vector<int64_t>& items,
                                                 const Mask& zero);

/// Adds another sum; the errors come behind those that are there.
void add(const RouterSlopes& more, RouterSlopes& sum);

}  // namespace mascing
