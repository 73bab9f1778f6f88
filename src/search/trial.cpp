// Trials ranked by rate come after all ranked by divergence, because rate - 1 is never above 0.
#include "search/trial.h"

#include <algorithm>
#include <utility>

#include "base/numeric.h"
#include "base/text.h"

namespace mascing {
namespace {

double gentleness(const Trial& trial, const std::vector<CandidateResult>& results) {
  return 1.0 / (1.0 + results[trial.i_trial].kl_benign);
}

}  // namespace

void TrialTable::reject(const Trials& trials, const std::string& reason) {
  for (const Trial& trial : trials) {
    of(trial).rejection_reason = reason;
  }
}

void TrialTable::notify() const {
  if (watch) {
    watch(results);
  }
}

Trial begin_trial(const std::vector<Candidate>& candidates,
                  size_t i,
                  double alpha,
                  TrialTable& table) {
  const Candidate& candidate = candidates[i];
  CandidateResult result;
  result.method = candidate.mask->method;
  result.lambda = candidate.mask->lambda;
  result.epochs = candidate.epochs;
  result.preserve = candidate.preserve;
  result.guard = candidate.guard;
  result.seed = candidate.mask->seed;
  result.alpha = alpha;
  result.n_active = candidate.mask->n_active();
  table.results.push_back(std::move(result));
  table.i_candidate.push_back(i);
  return {table.results.size() - 1,
          {candidate.mask, to_float(alpha)},
          "selecting: mask " + std::to_string(i + 1) + "/" + std::to_string(candidates.size()) +
              " alpha " + format_number(alpha, 2)};
}

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
