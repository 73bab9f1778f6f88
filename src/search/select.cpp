// Target rate first, limits second, damage as the tie-break; nothing of the test split is asked.
#include "search/select.h"

#include <functional>
#include <utility>

#include "base/append.h"
#include "measure/budget_shares.h"
#include "measure/limit_coverage.h"
#include "search/choose_trial.h"
#include "search/constraint_check.h"
#include "search/objectives.h"
#include "search/prefill_phase.h"
#include "search/successive_halving.h"
#include "search/trial_evaluation.h"
#include "search/weaker_strengths.h"
#include "stage/budget_spent.h"

namespace mascing {
namespace {

constexpr const char* kWeakerLeftOut = "not all weaker strengths were tried";

/// What the trials led to.
struct Contest {
  Incumbent incumbent;
  OutcomeResult outcome;
  std::vector<std::string> cut_short;
};

/// Tries one mask at one strength; true if a stronger one need not be tried.
using TryStrength = std::function<bool(const Trial&)>;

std::string tried_text(size_t n, size_t n_all) {
  return std::to_string(n) + " of " + std::to_string(n_all) + " masks were tried";
}

void try_strengths(const std::vector<double>& alphas,
                   const std::vector<Candidate>& candidates,
                   size_t i,
                   const TryStrength& is_last_strength,
                   TrialTable& table) {
  for (const double alpha : alphas) {
    const bool is_last = is_last_strength(begin_trial(candidates, i, alpha, table));
    table.notify();
    if (is_last) {
      break;
    }
  }
}

/// Does work on the table's last trial and further ones. False if the share of the budget was spent
/// meanwhile (0: all that it takes); the table says so.
bool fits_budget(const EvalContext& context,
                 double share,
                 const std::function<void()>& work,
                 TrialTable& table) {
  const BudgetShare limit(context.evaluator, share);
  try {
    work();
  } catch (const BudgetSpent&) {
    table.results.back().rejection_reason = "the budget was spent";
    return false;
  }
  return true;
}

/// All masks at rising strengths, the first one whatever the budget. Returns what a spent budget
/// left out, in words.
std::vector<std::string> try_all(const EvalContext& context,
                                 const std::vector<Candidate>& candidates,
                                 const TryStrength& is_last_strength,
                                 TrialTable& table) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i > 0 && context.evaluator.budget_spent() >= kTrialShare) {
      return {tried_text(i, candidates.size())};
    }
    const auto try_mask = [&] {
      try_strengths(context.scenario.search.alphas, candidates, i, is_last_strength, table);
    };
    if (!fits_budget(context, i > 0 ? kTrialShare : 0.0, try_mask, table)) {
      return {tried_text(i, candidates.size())};
    }
  }
  return {};
}

/// Throws BudgetSpent if that share is.
void require_budget(const EvalContext& context, double share) {
  if (context.evaluator.budget_spent() >= share) {
    throw BudgetSpent();
  }
}

/// Weaker strengths by replies, unless a trial keeps all limits, until the whole budget is spent.
void generate_weaker(const EvalContext& context,
                     const ConstraintChecker& constraints,
                     const std::vector<Candidate>& candidates,
                     TrialTable& table,
                     Contest& contest) {
  const auto try_weaker = [&] {
    const auto may_begin = [&] { require_budget(context, 1.0); };
    try_weaker_by_replies(constraints, candidates, may_begin, table, contest.incumbent);
  };
  if (!fits_budget(context, 1.0, try_weaker, table)) {
    contest.cut_short.emplace_back(kWeakerLeftOut);
  }
}

/// Replies for every trial.
Contest generate_for_all(const EvalContext& context,
                         const ConstraintChecker& constraints,
                         const std::vector<Candidate>& candidates,
                         TrialTable& table) {
  Contest contest;
  const TryStrength is_last_strength = [&](const Trial& trial) {
    if (!keeps_text(constraints, trial, table)) {
      return true;
    }
    evaluate_fully(constraints, trial, table, contest.incumbent);
    return table.of(trial).rates.at(constraints.target()).rate > kPerfectRate;
  };
  contest.cut_short = try_all(context, candidates, is_last_strength, table);
  generate_weaker(context, constraints, candidates, table, contest);
  return contest;
}

/// How many finalists the budget allows; what it leaves out is added to `cut_short`.
size_t count_finalists(const EvalContext& context,
                       size_t n_trial,
                       std::vector<std::string>& cut_short) {
  const size_t n = context.scenario.search.n_finalist;
  if (n > 1 && n_trial > 1 && context.evaluator.budget_spent() >= kTrialShare) {
    cut_short.push_back("replies were generated for 1 finalist of " + std::to_string(n));
    return 1;
  }
  return n;
}

/// One prefill each for every trial, replies for the finalists.
Contest halve_by_estimates(const EvalContext& context,
                           const ConstraintChecker& constraints,
                           const Objectives& objectives,
                           const std::vector<Candidate>& candidates,
                           TrialTable& table) {
  const PrefillEstimator estimator(context.evaluator, objectives);
  const PrefillPhase phase = begin_prefill_phase(context, constraints, estimator);
  MarginSample sample =
      margins_of(constraints, estimator, {}, constraints.base_replies(constraints.target()));
  Trials trials;
  const TryStrength is_last_strength = [&](const Trial& trial) {
    if (!keeps_text(constraints, trial, table)) {
      return true;
    }
    const double rate = estimate_trial(phase, trial, table);
    if (table.of(trial).rejection_reason.empty()) {
      trials.push_back(trial);
    }
    return rate > kPerfectRate;
  };
  Contest contest;
  contest.cut_short = try_all(context, candidates, is_last_strength, table);
  const auto try_weaker = [&] {
    const auto may_begin = [&] { require_budget(context, kTrialShare); };
    try_weaker_by_estimates(phase, candidates, may_begin, table, trials);
  };
  if (contest.cut_short.empty() && !fits_budget(context, kTrialShare, try_weaker, table)) {
    contest.cut_short = {kWeakerLeftOut};
  }
  trials = full_estimates(phase, std::move(trials), table);
  const size_t n = count_finalists(context, trials.size(), contest.cut_short);
  trials = take_finalists(phase, std::move(trials), n, table);
  HalvingResult halved = halve_successively(constraints, estimator, std::move(trials), table);
  sample.add(halved.sample);
  contest.incumbent = std::move(halved.incumbent);
  generate_weaker(context, constraints, candidates, table, contest);
  contest.outcome = predict_outcome(sample);
  return contest;
}

Warning cannot_estimate(const std::string& target) {
  return {"not_screened",
          "prefills cannot estimate '" + target +
              "', so replies were generated for every mask at every strength",
          "to save time, use fewer methods and alphas, or set a --budget"};
}

Warning perplexity_unchecked() {
  return {"perplexity_unchecked",
          "the selection part of the general text, its second quarter, has no block, so no mask is "
          "held to max_perplexity_rise",
          "use a longer text, of at least four blocks, or lower block_tokens in [general]"};
}

Warning limits_not_kept(const std::string& reason) {
  return {"limits_not_kept",
          "no mask meets all limits on the selection split; the chosen one: " + reason,
          "see the candidates in the report; raise max_drop where acceptable, or add data"};
}

/// Of the trials that were asked about limits.
std::vector<Warning> coverage_warnings(const Dataset& data,
                                       const std::vector<CandidateResult>& trials) {
  LimitCoverage coverage;
  for (const LoadedSet& set : data.sets) {
    const int64_t n_all = std::ssize(set.rows(Split::kSelection));
    for (const CandidateResult& trial : trials) {
      const auto left_out = trial.left_out.find(set.spec.metric);
      if (left_out != trial.left_out.end()) {
        coverage.add(set.spec, n_all - left_out->second, n_all);
      }
    }
  }
  return coverage.warnings("on the selection split");
}

}  // namespace

Selection select_mask(const EvalContext& context,
                      const std::vector<Candidate>& candidates,
                      const WatchTrials& watch) {
  const bool wants_finalists = context.scenario.search.n_finalist > 0;
  const ConstraintChecker constraints(context);
  const Objectives objectives =
      wants_finalists ? build_objectives(context, Split::kSelection) : Objectives{};
  TrialTable table{{}, {}, watch};
  Contest contest = objectives.sees_target()
                        ? halve_by_estimates(context, constraints, objectives, candidates, table)
                        : generate_for_all(context, constraints, candidates, table);
  const Choice choice = choose_trial(table, contest.incumbent, context.scenario);
  Selection selection;
  selection.is_found = choice.i_trial.has_value();
  selection.i_best = choice.i_trial.value_or(0);
  selection.is_feasible = choice.is_feasible;
  selection.outcome = contest.outcome;
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role != SetRole::kWatch) {
      selection.base_rates[set.spec.metric] = constraints.base_rate(set.spec.metric);
    }
  }
  selection.base_perplexity = constraints.base_perplexity();
  selection.n_base_token = constraints.n_base_token();
  selection.cut_short = std::move(contest.cut_short);
  if (!context.data.text.empty() && !constraints.has_text()) {
    selection.warnings.push_back(perplexity_unchecked());
  }
  if (wants_finalists && !objectives.sees_target()) {
    selection.warnings.push_back(cannot_estimate(constraints.target()));
  }
  selection.margins = objectives.margins;
  selection.margin_warnings = objectives.warnings;
  if (selection.is_found && !selection.is_feasible) {
    selection.warnings.push_back(limits_not_kept(table.results[selection.i_best].rejection_reason));
  }
  append(coverage_warnings(context.data, table.results), selection.warnings);
  selection.trials = std::move(table.results);
  selection.i_candidate = std::move(table.i_candidate);
  return selection;
}

}  // namespace mascing
