// The cost of moving a single entry of a mask: how far texts that should stay unchanged then
// diverge. Costs differ a hundredfold (on the natural demo model those of the first layer are
// highest), so a search whose steps cost the same in every entry gets further at the same damage.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "stage/loop_objective.h"
#include "stage/outcome.h"
#include "stage/perturbation.h"

namespace mascing {

struct EntryCostOptions {
  uint64_t seed = 0;
  double size = 0.8;                    ///< of the move, in sigma
  std::function<bool()> is_spent = {};  ///< true: give up; checked between groups of entries
  Progress progress = {};
};

/// For every free entry, [d], moved by +size and by -size on the unsteered model: the mean
/// divergence of 8 texts (fewer if d > 96, at least 2; the same for all entries) over the limit of
/// their set, summed over the sets with divergences and both signs. Zeros if there are no such
/// sets, nothing if given up. `base` as in close_loop.
[[nodiscard]] std::vector<double> measure_entry_costs(const Mask& base,
                                                      const FreeEntries& entries,
                                                      const std::vector<OutcomeSet>& sets,
                                                      const std::vector<LoopSet>& roles,
                                                      const AskModel& ask,
                                                      const EntryCostOptions& options);

/// Lengths of steps, [d], that cost about the same, of root mean square 1. A divergence grows with
/// the square of a step, so they go with 1 / sqrt(cost); costs far below the mean count as a small
/// part of it, since they are known least and steps must stay within what was measured. All 1 if
/// nothing costs anything, none for no costs.
[[nodiscard]] std::vector<double> steps_of_equal_cost(const std::vector<double>& costs);

}  // namespace mascing
