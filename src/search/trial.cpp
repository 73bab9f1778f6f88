// What is ranked by rate stands behind all that is ranked by gentleness: rate - 1 is never above 0.
#include "search/trial.h"

#include <algorithm>
#include <utility>

namespace mascing {
namespace {

double gentleness(const Trial& trial, const std::vector<CandidateResult>& results) {
  return 1.0 / (1.0 + results[trial.i_trial].kl_benign);
}

}  // namespace

Trials take_promising(Trials& waiting,
                      const std::vector<CandidateResult>& results,
                      size_t n,
                      const RateOf& rate,
                      double near) {
  Trials taken;
  while (taken.size() < n && !waiting.empty()) {
    const bool by_rate = taken.size() % 2 == 0;
    const auto promise = [&](const Trial& trial) {
      const bool is_rated = by_rate || rate(trial) < near;
      const double gentle = gentleness(trial, results);
      return std::pair(is_rated ? rate(trial) - 1.0 : gentle, gentle);
    };
    const auto best =
        std::max_element(waiting.begin(), waiting.end(), [&](const Trial& a, const Trial& b) {
          return promise(a) < promise(b);
        });
    taken.push_back(*best);
    waiting.erase(best);
  }
  return taken;
}

void order_by_choice(Trials& trials,
                     const std::vector<CandidateResult>& results,
                     const RateOf& rate,
                     double near) {
  const auto standing = [&](const Trial& trial) {
    return rate(trial) >= near ? gentleness(trial, results) : rate(trial) - 1.0;
  };
  std::stable_sort(trials.begin(), trials.end(), [&](const Trial& a, const Trial& b) {
    return standing(a) > standing(b);
  });
}

}  // namespace mascing
