// What stays the same over all steps of a closed loop.
#pragma once

#include <cstdint>
#include <vector>

#include "stage/closed_loop.h"

namespace mascing {

struct LoopPlan {
  const Mask& start;
  const FreeEntries& entries;
  const std::vector<OutcomeSet>& sets;
  const std::vector<LoopSet>& roles;
  const ClosedLoopOptions& options;
  int64_t d = 0;                  ///< free entries
  int64_t n_set = 0;              ///< of sets
  int64_t i_gain = 0;             ///< the set with role kGain
  std::vector<double> unit = {};  ///< [d] sigmas
};

/// All arguments must outlive the plan.
[[nodiscard]] LoopPlan plan_loop(const Mask& start,
                                 const FreeEntries& entries,
                                 const std::vector<OutcomeSet>& sets,
                                 const std::vector<LoopSet>& roles,
                                 const ClosedLoopOptions& options);

/// Divides about `n` questions over the sets. The step follows sum w_k g_k, with `multipliers` w,
/// and g_k's error falls with scatter_k^2 / n_k: n_k in proportion to w_k scatter_k makes the error
/// of the sum least (Neyman's allocation). Half of an even share goes to each set in any case.
/// `scatters`: of single answers of each set; empty before anything is known, when the gain gets
/// two parts and the other sets one.
[[nodiscard]] std::vector<int64_t> allocate_questions(const LoopPlan& plan,
                                                      int64_t n,
                                                      const std::vector<double>& multipliers,
                                                      const std::vector<double>& scatters);

}  // namespace mascing
