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
#include "stage/outcome_gradient.h"
#include "stage/perturbation.h"

namespace mascing {

inline constexpr int64_t kFisherItems = 64;  ///< texts of every set that are differentiated

/// Texts of every set that each of `n_entry` entries is tried on: 8, fewer if there are more than
/// 96 entries, at least 2.
[[nodiscard]] int64_t texts_per_entry(int64_t n_entry);

struct EntryCostOptions {
  uint64_t seed = 0;
  double size = 0.8;                    ///< of the move, in sigma
  std::function<bool()> is_spent = {};  ///< true: give up; checked between groups of entries
  Progress progress = {};
};

/// For every free entry, [d], moved by +size and by -size on the unsteered model: the mean
/// divergence of `texts_per_entry` texts, the same for all entries, over the limit of their set,
/// summed over the sets with divergences and both signs. Zeros if there are no such sets; empty if
/// given up. `base` as in close_loop.
[[nodiscard]] std::vector<double> measure_entry_costs(const Mask& base,
                                                      const FreeEntries& entries,
                                                      const std::vector<OutcomeSet>& sets,
                                                      const std::vector<LoopSet>& roles,
                                                      const AskModel& ask,
                                                      const EntryCostOptions& options);

/// Answers to questions about sets that are given along; semantics of `measure_outcome_gradients`.
using AskGradientsOf = std::function<std::vector<OutcomeGradient>(const std::vector<OutcomeSet>&,
                                                                  const std::vector<Question>&)>;

/// The same from derivatives: the curvature of a set's divergence at S = 0 is the Fisher
/// information, the mean square of d log p(y) / d S over texts, positions and tokens y that the
/// unsteered model itself draws. `kFisherItems` texts of each set, all entries at once.
/// `options.size` is not used.
[[nodiscard]] std::vector<double> measure_entry_costs_exactly(const Mask& base,
                                                              const FreeEntries& entries,
                                                              const std::vector<OutcomeSet>& sets,
                                                              const std::vector<LoopSet>& roles,
                                                              const AskGradientsOf& ask,
                                                              const EntryCostOptions& options);

/// Step lengths, [d], of about equal cost and root mean square 1. Divergence grows with the square
/// of a step, so they are proportional to 1 / sqrt(cost). Costs far below the mean are raised to a
/// small part of it, because they are least certain and steps must stay in the measured range. All
/// 1 if all costs are 0; empty without costs.
[[nodiscard]] std::vector<double> steps_of_equal_cost(const std::vector<double>& costs);

}  // namespace mascing
