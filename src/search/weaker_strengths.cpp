// Both ways walk down from the weakest strength, since a limit that is broken there is broken
// above.
#include "search/weaker_strengths.h"

#include <algorithm>
#include <optional>

namespace mascing {
namespace {

constexpr double kFactor = 0.8;
constexpr double kLeast = 0.25;

using TrialResults = std::vector<const CandidateResult*>;

/// A mask's trials so far; with replies: those for which replies were generated.
TrialResults trials_of(const TrialTable& table, size_t i_candidate, bool with_replies) {
  TrialResults trials;
  for (size_t i = 0; i < table.results.size(); ++i) {
    const CandidateResult& result = table.results[i];
    if (table.i_candidate[i] == i_candidate && (!with_replies || !result.rates.empty())) {
      trials.push_back(&result);
    }
  }
  return trials;
}

/// Strengths below those of the trials, each four fifths of the one before, down to a quarter of
/// the weakest; none without any.
std::vector<double> weaker_than(const TrialResults& trials) {
  std::vector<double> strengths;
  const auto weakest = std::min_element(
      trials.begin(), trials.end(), [](const CandidateResult* a, const CandidateResult* b) {
        return a->alpha < b->alpha;
      });
  if (weakest == trials.end()) {
    return strengths;
  }
  const double top = (*weakest)->alpha;
  for (double alpha = kFactor * top; alpha >= kLeast * top; alpha *= kFactor) {
    strengths.push_back(alpha);
  }
  return strengths;
}

/// The same for a mask that breaks a limit at all its strengths; none for others.
std::vector<double> weaker_if_broken(const TrialTable& table, size_t i_candidate) {
  const TrialResults tried = trials_of(table, i_candidate, false);
  const bool is_broken =
      std::all_of(tried.begin(), tried.end(), [](const auto* one) { return one->breaks_limit; });
  return is_broken ? weaker_than(tried) : std::vector<double>{};
}

/// The trial with the highest target rate in replies; all of them break a limit.
std::optional<size_t> best_by_replies(const TrialTable& table, const std::string& target) {
  std::optional<size_t> best;
  for (size_t i = 0; i < table.results.size(); ++i) {
    const auto& result = table.results[i];
    const bool is_candidate = result.breaks_limit && result.rates.count(target) > 0;
    if (is_candidate &&
        (!best || result.rates.at(target).rate > table.results[*best].rates.at(target).rate)) {
      best = i;
    }
  }
  return best;
}

}  // namespace

void try_weaker_by_estimates(const PrefillPhase& phase,
                             const std::vector<Candidate>& candidates,
                             const std::function<void()>& require_budget,
                             TrialTable& table,
                             Trials& trials) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    for (const double alpha : weaker_if_broken(table, i)) {
      const Trial trial = begin_trial(candidates, i, alpha, table);
      require_budget();
      if (keeps_text(phase.constraints, trial, table)) {
        estimate_wholly(phase, trial, table);
      }
      table.notify();
      if (table.of(trial).rejection_reason.empty()) {
        trials.push_back(trial);
      }
      if (!table.of(trial).breaks_limit) {
        break;
      }
    }
  }
}

void try_weaker_by_replies(const ConstraintChecker& constraints,
                           const std::vector<Candidate>& candidates,
                           const std::function<void()>& require_budget,
                           TrialTable& table,
                           Incumbent& incumbent) {
  const std::optional<size_t> best =
      incumbent.exists() ? std::nullopt : best_by_replies(table, constraints.target());
  if (!best) {
    return;
  }
  const size_t i = table.i_candidate[*best];
  for (const double alpha : weaker_than(trials_of(table, i, true))) {
    const Trial trial = begin_trial(candidates, i, alpha, table);
    require_budget();
    if (keeps_text(constraints, trial, table)) {
      evaluate_fully(constraints, trial, table, incumbent);
    }
    table.notify();
    if (!table.of(trial).breaks_limit) {
      break;
    }
  }
}

}  // namespace mascing
