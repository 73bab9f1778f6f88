// Both ways walk down from the weakest strength, since a limit that is broken there is broken
// above.
#include "search/weaker_strengths.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace mascing {
namespace {

constexpr double kFactor = 0.8;
constexpr double kLeast = 0.25;

/// The weakest strength of a mask that was tried; none if not all of them break a limit.
std::optional<double> weakest_of_broken(const TrialTable& table, size_t i_candidate) {
  double weakest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < table.results.size(); ++i) {
    if (table.i_candidate[i] == i_candidate) {
      if (!table.results[i].breaks_limit) {
        return std::nullopt;
      }
      weakest = std::min(weakest, table.results[i].alpha);
    }
  }
  return weakest < std::numeric_limits<double>::infinity() ? std::optional(weakest) : std::nullopt;
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

double weakest_with_replies(const TrialTable& table, size_t i_candidate) {
  double weakest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < table.results.size(); ++i) {
    if (table.i_candidate[i] == i_candidate && !table.results[i].rates.empty()) {
      weakest = std::min(weakest, table.results[i].alpha);
    }
  }
  return weakest;
}

}  // namespace

std::vector<double> weaker_strengths(double weakest) {
  std::vector<double> strengths;
  for (double alpha = kFactor * weakest; alpha >= kLeast * weakest; alpha *= kFactor) {
    strengths.push_back(alpha);
  }
  return strengths;
}

void try_weaker_by_estimates(const PrefillPhase& phase,
                             const std::vector<Candidate>& candidates,
                             TrialTable& table,
                             Trials& trials) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    const std::optional<double> weakest = weakest_of_broken(table, i);
    for (const double alpha : weakest ? weaker_strengths(*weakest) : std::vector<double>{}) {
      const Trial trial = begin_trial(candidates, i, alpha, table);
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
                           TrialTable& table,
                           Incumbent& incumbent) {
  const std::optional<size_t> best =
      incumbent.exists() ? std::nullopt : best_by_replies(table, constraints.target());
  if (!best) {
    return;
  }
  const size_t i = table.i_candidate[*best];
  for (const double alpha : weaker_strengths(weakest_with_replies(table, i))) {
    const Trial trial = begin_trial(candidates, i, alpha, table);
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
