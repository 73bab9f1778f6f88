// The units default to one sigma per entry.
#include "stage/loop_plan.h"

#include <numeric>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr double kLeastPart = 0.5;  // of an even share of the questions: so many each set gets

}  // namespace

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

std::vector<int64_t> allocate_questions(const LoopPlan& plan,
                                        int64_t n,
                                        const std::vector<double>& multipliers,
                                        const std::vector<double>& scatters) {
  std::vector<double> weights(plan.n_set, 1.0);
  weights[plan.i_gain] = 2.0;
  for (size_t i = 0; i < scatters.size(); ++i) {
    weights[i] = multipliers[i] * scatters[i];
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double least = kLeastPart / to_double(plan.n_set);
  std::vector<int64_t> n_of_set;
  for (const double weight : weights) {
    const double part = sum > 0.0 ? weight / sum : 0.0;
    n_of_set.push_back(static_cast<int64_t>(to_double(n) * (least + (1.0 - kLeastPart) * part)));
  }
  return n_of_set;
}

}  // namespace mascing
