// Damage is the divergence on benign replies; where there are none, the perplexity of the general
// text.
#include "search/choose_trial.h"

#include <algorithm>
#include <limits>

namespace mascing {
namespace {

bool has_benign_set(const Scenario& scenario) {
  return std::any_of(scenario.sets.begin(), scenario.sets.end(), [](const ScenarioSet& set) {
    return set.role == SetRole::kBenign;
  });
}

std::optional<size_t> gentlest_feasible(const TrialTable& table,
                                        const Incumbent& incumbent,
                                        const Scenario& scenario) {
  const std::string& target = scenario.target().metric;
  const bool has_benign = has_benign_set(scenario);
  double least = std::numeric_limits<double>::infinity();
  double highest = 0.0;  // of those with the least damage, which is 0 if nothing measures it
  std::optional<size_t> chosen;
  for (size_t i = 0; i < table.results.size(); ++i) {
    const CandidateResult& result = table.results[i];
    const double damage = has_benign ? result.kl_benign : result.perplexity;
    if (!result.feasible || result.rates.at(target).rate < incumbent.rate.low) {
      continue;
    }
    const double rate = result.rates.at(target).rate;
    if (damage < least || (damage == least && rate > highest)) {
      least = damage;
      highest = rate;
      chosen = i;
    }
  }
  return chosen;
}

std::optional<size_t> best_of(const std::vector<size_t>& trials,
                              const TrialTable& table,
                              const std::string& target) {
  const auto rate_of = [&](size_t i) { return table.results[i].rates.at(target).rate; };
  std::optional<size_t> best;
  for (const size_t i : trials) {
    if (!best || rate_of(i) > rate_of(*best)) {
      best = i;
    }
  }
  return best;
}

}  // namespace

Choice choose_trial(const TrialTable& table, const Incumbent& incumbent, const Scenario& scenario) {
  if (const auto i_trial = gentlest_feasible(table, incumbent, scenario)) {
    return {i_trial, true};
  }
  return {best_of(incumbent.keeps_hold, table, scenario.target().metric), false};
}

}  // namespace mascing
