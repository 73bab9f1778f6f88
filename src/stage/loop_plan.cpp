// The units default to one sigma per entry.
#include "stage/loop_plan.h"

#include <numeric>

#include "base/numeric.h"

namespace mascing {

LoopPlan plan_loop(const Mask& start,
                   const FreeEntries& entries,
                   const std::vector<OutcomeSet>& sets,
                   const std::vector<LoopSet>& roles,
                   const ClosedLoopOptions& options) {
  LoopPlan plan = {start, entries, sets, roles, options};
  plan.d = std::ssize(entries);
  plan.n_set = std::ssize(sets);
  for (int64_t i = 0; i < plan.n_set; ++i) {
    if (roles[i].role == LoopRole::kGain) {
      plan.i_gain = i;
    }
  }
  plan.unit = options.unit;
  plan.unit.resize(entries.size(), 1.0);
  return plan;
}

std::vector<int64_t> allocate_questions(int64_t n,
                                        const std::vector<double>& weight,
                                        double least) {
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  const double least_part = least / to_double(std::ssize(weight));
  std::vector<int64_t> n_of_set;
  for (const double w : weight) {
    const double part = sum > 0.0 ? w / sum : 0.0;
    n_of_set.push_back(static_cast<int64_t>(to_double(n) * (least_part + (1.0 - least) * part)));
  }
  return n_of_set;
}

}  // namespace mascing
