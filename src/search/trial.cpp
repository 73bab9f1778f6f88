// What is ranked by rate stands behind all that is ranked by gentleness: rate - 1 is never above 0.
#include "search/trial.h"

#include <algorithm>
#include <utility>

namespace mascing {
namespace {

double gentleness(const Prospect& prospect, const std::vector<CandidateResult>& trials) {
  return 1.0 / (1.0 + trials[prospect.i_trial].kl_benign);
}

}  // namespace

Prospects take_promising(Prospects& waiting,
                         const std::vector<CandidateResult>& trials,
                         size_t n,
                         const RateOf& rate,
                         double near) {
  Prospects taken;
  while (taken.size() < n && !waiting.empty()) {
    const bool by_rate = taken.size() % 2 == 0;
    const auto promise = [&](const Prospect& prospect) {
      const bool is_rated = by_rate || rate(prospect) < near;
      const double gentle = gentleness(prospect, trials);
      return std::pair(is_rated ? rate(prospect) - 1.0 : gentle, gentle);
    };
    const auto best =
        std::max_element(waiting.begin(), waiting.end(), [&](const Prospect& a, const Prospect& b) {
          return promise(a) < promise(b);
        });
    taken.push_back(*best);
    waiting.erase(best);
  }
  return taken;
}

void order_by_choice(Prospects& prospects,
                     const std::vector<CandidateResult>& trials,
                     const RateOf& rate,
                     double near) {
  const auto standing = [&](const Prospect& prospect) {
    return rate(prospect) >= near ? gentleness(prospect, trials) : rate(prospect) - 1.0;
  };
  std::stable_sort(prospects.begin(), prospects.end(), [&](const Prospect& a, const Prospect& b) {
    return standing(a) > standing(b);
  });
}

}  // namespace mascing
