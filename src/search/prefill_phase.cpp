// An estimate rules a trial out only beyond a margin for its own error, which is larger for a
// quarter of the conversations.
#include "search/prefill_phase.h"

#include <algorithm>

#include "base/metric_names.h"
#include "base/text.h"
#include "stage/power.h"

namespace mascing {
namespace {

constexpr double kEstimateError = 0.03;  // of an estimated rate
constexpr double kQuarterError = 0.06;   // the same of a quarter of the conversations

/// What a reason begins with, so that a table that cuts it still says what it rests on.
constexpr const char* kByEstimate = "estimate: ";
constexpr const char* kByQuarter = "quarter estimate: ";

double estimated_rate(const PrefillPhase& phase, const Trial& trial, const TrialTable& table) {
  return table.of(trial).estimates.at(phase.constraints.target());
}

/// What an estimate rules out, and whether a limit is the reason.
struct Rejection {
  std::string reason;  ///< empty: nothing
  bool breaks_limit = false;
};

Rejection rejection_of(const PrefillPhase& phase, const PrefillEstimate& estimate, Sample sample) {
  const bool is_quarter = sample == Sample::kQuarter;
  const PrefillEstimate& base = is_quarter ? phase.base_quarter : phase.base_whole;
  const double error = is_quarter ? kQuarterError : kEstimateError;
  const std::string by = is_quarter ? kByQuarter : kByEstimate;
  const std::string& target = phase.constraints.target();
  const double gain = estimate.rates.at(target) - base.rates.at(target);
  if (gain <= (is_quarter ? -error : 0.0)) {
    return {by + "no better than without a mask", false};
  }
  for (const LoadedSet& set : phase.context.data.sets) {
    const auto found = estimate.rates.find(set.spec.metric);
    const auto before = base.rates.find(set.spec.metric);
    if (found == estimate.rates.end() || before == base.rates.end() ||
        set.spec.role == SetRole::kTarget) {
      continue;
    }
    const double drop = before->second - found->second;
    const int64_t n_row = std::ssize(set.rows(Split::kSelection));
    const int64_t n = is_quarter ? (n_row + kQuarterStep - 1) / kQuarterStep : n_row;
    if (drop > allowed_drop(n, set.spec.max_drop) + error) {
      return {by + display_name(set.spec.metric) + " drops by " + format_percent(drop), true};
    }
  }
  return {};
}

/// The larger sample has the last word: what a quarter seemed to rule out, all may allow.
void estimate_sample(const PrefillPhase& phase,
                     const Trial& trial,
                     Sample sample,
                     TrialTable& table) {
  report(phase.context.evaluator.progress(), {trial.what + ", prefill estimate", 0, 1, "sets", ""});
  const PrefillEstimate estimate = phase.estimator.estimate(trial.steering, sample);
  const Rejection rejection = rejection_of(phase, estimate, sample);
  CandidateResult& result = table.of(trial);
  result.estimates = estimate.rates;
  result.kl_benign = result.kl_first = estimate.kl_benign;
  result.rejection_reason = rejection.reason;
  result.breaks_limit = rejection.breaks_limit;
}

/// Takes the `n` most promising out of `waiting`.
Trials take_by_estimate(const PrefillPhase& phase,
                        Trials& waiting,
                        size_t n,
                        const TrialTable& table) {
  const RateOf rate = [&](const Trial& trial) { return estimated_rate(phase, trial, table); };
  double top = 0.0;
  for (const Trial& trial : waiting) {
    top = std::max(top, rate(trial));
  }
  return take_promising(waiting, table.results, n, rate, top - kEstimateError);
}

}  // namespace

PrefillPhase begin_prefill_phase(const EvalContext& context,
                                 const ConstraintChecker& constraints,
                                 const PrefillEstimator& estimator) {
  PrefillPhase phase{context, constraints, estimator, {}, {}};
  phase.base_quarter = estimator.estimate({}, Sample::kQuarter);
  phase.base_whole = estimator.estimate({}, Sample::kWhole);
  return phase;
}

double estimate_trial(const PrefillPhase& phase, const Trial& trial, TrialTable& table) {
  estimate_sample(phase, trial, Sample::kQuarter, table);
  if (estimated_rate(phase, trial, table) > kPerfectRate) {
    estimate_sample(phase, trial, Sample::kWhole, table);
  }
  return estimated_rate(phase, trial, table);
}

void estimate_wholly(const PrefillPhase& phase, const Trial& trial, TrialTable& table) {
  estimate_sample(phase, trial, Sample::kWhole, table);
}

Trials full_estimates(const PrefillPhase& phase, Trials trials, TrialTable& table) {
  const size_t n_least = 2 * phase.context.scenario.search.n_finalist;
  const size_t n = std::max(n_least, (trials.size() + 1) / 2);
  const Trials better = take_by_estimate(phase, trials, n, table);
  table.reject(trials, std::string(kByQuarter) + "below the better half");
  Trials kept;
  for (const Trial& trial : better) {
    estimate_sample(phase, trial, Sample::kWhole, table);
    if (table.of(trial).rejection_reason.empty()) {
      kept.push_back(trial);
    }
    table.notify();
  }
  return kept;
}

Trials take_finalists(const PrefillPhase& phase, Trials trials, size_t n, TrialTable& table) {
  Trials taken = take_by_estimate(phase, trials, n, table);
  table.reject(trials, std::string(kByEstimate) + "below the finalists");
  return taken;
}

}  // namespace mascing
