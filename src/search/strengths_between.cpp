// The limits decide which half of the gap goes on: they are what the stronger end breaks.
#include "search/strengths_between.h"

#include <algorithm>
#include <optional>
#include <string>

namespace mascing {
namespace {

constexpr int kHalvings = 2;

/// Strengths of one mask: the weaker keeps what is known of the limits, the stronger breaks one.
struct Gap {
  size_t i_candidate = 0;
  double weaker = 0.0;
  double stronger = 0.0;
};

/// The strongest below `stronger` that is not known to break a limit; 0: there is none.
double weaker_end(const TrialTable& table, size_t i_candidate, double stronger) {
  double weaker = 0.0;
  for (size_t i = 0; i < table.results.size(); ++i) {
    const CandidateResult& result = table.results[i];
    if (table.i_candidate[i] == i_candidate && !result.breaks_limit && result.alpha < stronger) {
      weaker = std::max(weaker, result.alpha);
    }
  }
  return weaker;
}

/// Below the trial with the highest target rate in replies, beyond the incumbent's interval, of
/// those that break a limit.
std::optional<Gap> widest_gain(const TrialTable& table,
                               const std::string& target,
                               const Rate& incumbent) {
  std::optional<Gap> gap;
  double highest = incumbent.high;
  for (size_t i = 0; i < table.results.size(); ++i) {
    const CandidateResult& result = table.results[i];
    const auto rate = result.rates.find(target);
    if (!result.breaks_limit || rate == result.rates.end() || rate->second.rate <= highest) {
      continue;
    }
    const double weaker = weaker_end(table, table.i_candidate[i], result.alpha);
    if (weaker > 0.0) {
      gap = {table.i_candidate[i], weaker, result.alpha};
      highest = rate->second.rate;
    }
  }
  return gap;
}

}  // namespace

void try_between_by_replies(const ConstraintChecker& constraints,
                            const std::vector<Candidate>& candidates,
                            const std::function<void()>& require_budget,
                            TrialTable& table,
                            Incumbent& incumbent) {
  std::optional<Gap> gap;
  if (incumbent.exists()) {
    gap = widest_gain(table, constraints.target(), incumbent.rate);
  }
  for (int i = 0; gap && i < kHalvings; ++i) {
    const double alpha = (gap->weaker + gap->stronger) / 2.0;
    const Trial trial = begin_trial(candidates, gap->i_candidate, alpha, table);
    require_budget();
    if (keeps_text(constraints, trial, table)) {
      evaluate_fully(constraints, trial, table, incumbent);
    }
    table.notify();
    (table.of(trial).breaks_limit ? gap->stronger : gap->weaker) = alpha;
  }
}

}  // namespace mascing
