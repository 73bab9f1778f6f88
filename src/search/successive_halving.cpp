// Two trials or fewer go to the last round at once.
#include "search/successive_halving.h"

#include <algorithm>
#include <cmath>

#include "base/append.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr size_t kFewTrials = 2;

RateOf generated_rate(const ConstraintChecker& constraints, const TrialTable& table) {
  return [&](const Trial& trial) { return table.of(trial).rates.at(constraints.target()).rate; };
}

/// The highest target rate of some trials, with its interval.
Rate best_of(const ConstraintChecker& constraints, const Trials& trials, const TrialTable& table) {
  Rate best{-1.0, -1.0, -1.0};
  for (const Trial& trial : trials) {
    const Rate& rate = table.of(trial).rates.at(constraints.target());
    best = rate.rate > best.rate ? rate : best;
  }
  return best;
}

/// The better half of `waiting` by some of the target set; the others stay.
Trials take_better_half(const ConstraintChecker& constraints, Trials& waiting, TrialTable& table) {
  for (const Trial& trial : waiting) {
    (void)generate_target(constraints, trial, kFirstRows, table);
    table.notify();
  }
  const size_t n_half = std::max(kFewTrials, (waiting.size() + 1) / 2);
  const double near = best_of(constraints, waiting, table).low;
  return take_promising(waiting, table.results, n_half, generated_rate(constraints, table), near);
}

/// All of the target set for all trials, then the limits in the order of choice.
void run_last_round(const ConstraintChecker& constraints,
                    const PrefillEstimator& estimator,
                    Trials trials,
                    TrialTable& table,
                    HalvingResult& found) {
  for (const Trial& trial : trials) {
    const auto replies = generate_target(constraints, trial, kAllRows, table);
    found.sample.add(margins_of(constraints, estimator, trial.steering, replies));
    table.notify();
  }
  const double near = best_of(constraints, trials, table).low;
  order_by_choice(trials, table.results, generated_rate(constraints, table), near);
  for (const Trial& trial : trials) {
    if (found.incumbent.exists()) {
      table.of(trial).rejection_reason = "not checked, a preferred mask meets all limits";
    } else {
      settle(constraints, trial, table, found.incumbent);
    }
    table.notify();
  }
}

}  // namespace

void MarginSample::add(const MarginSample& other) {
  append(other.margins, margins);
  append(other.wanted, wanted);
}

MarginSample margins_of(const ConstraintChecker& constraints,
                        const PrefillEstimator& estimator,
                        const Steering& steering,
                        const std::vector<AskedReply>& replies) {
  MarginSample sample;
  const auto judged = constraints.judge_target(replies);
  const std::vector<double> margins = estimator.target_margins(steering, replies.size());
  for (size_t i = 0; i < replies.size(); ++i) {
    if (judged[i].ok() && std::isfinite(margins[i])) {
      sample.margins.push_back(margins[i]);
      sample.wanted.push_back(judged[i].is_wanted ? 1 : 0);
    }
  }
  return sample;
}

OutcomeResult predict_outcome(const MarginSample& sample) {
  OutcomeResult outcome;
  if (!sample.margins.empty()) {
    outcome.n = std::ssize(sample.margins);
    outcome.auc = rank_auc(sample.margins, sample.wanted);
    outcome.rank_correlation =
        spearman(sample.margins, std::vector<double>(sample.wanted.begin(), sample.wanted.end()));
  }
  return outcome;
}

HalvingResult halve_successively(const ConstraintChecker& constraints,
                                 const PrefillEstimator& estimator,
                                 Trials trials,
                                 TrialTable& table) {
  HalvingResult found;
  Trials behind;
  if (trials.size() > kFewTrials) {
    behind = std::move(trials);
    trials = take_better_half(constraints, behind, table);
    table.reject(behind, trailing_reason(constraints));
  }
  run_last_round(constraints, estimator, std::move(trials), table, found);
  if (!found.incumbent.exists()) {
    table.reject(behind, "");
    run_last_round(constraints, estimator, std::move(behind), table, found);
  }
  return found;
}

}  // namespace mascing
