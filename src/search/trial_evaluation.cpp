// Each step costs more than the one before, and a trial that has lost takes no further one.
#include "search/trial_evaluation.h"

#include <algorithm>
#include <utility>

namespace mascing {

std::string trailing_reason(const ConstraintChecker& constraints) {
  const size_t n_asked = std::min(kFirstRows, constraints.n_target_row());
  return "not in the better half after " + std::to_string(n_asked) + " conversations";
}

std::vector<AskedReply> generate_target(const ConstraintChecker& constraints,
                                        const Trial& trial,
                                        size_t n_row,
                                        TrialTable& table) {
  TargetReplies asked = constraints.ask_target({trial.steering}, trial.what, n_row);
  table.of(trial).rates[constraints.target()] = asked.rate;
  return std::move(asked.replies);
}

void settle(const ConstraintChecker& constraints,
            const Trial& trial,
            TrialTable& table,
            Incumbent& incumbent) {
  CandidateResult& result = table.of(trial);
  const Rate rate = result.rates.at(constraints.target());
  if (rate.rate <= constraints.base_rate(constraints.target()).rate) {
    result.rejection_reason = "no better than without a mask";
    return;
  }
  const LimitCheck check = constraints.check_limits({trial.steering}, trial.what);
  for (const auto& [metric, reached] : check.rates) {
    result.rates[metric] = reached;
  }
  result.left_out = check.left_out;
  result.rejection_reason = check.rejection_reason;
  if (check.keeps_hold) {
    incumbent.keeps_hold.push_back(trial.i_trial);
  }
  if (!check.rejection_reason.empty()) {
    result.breaks_limit = true;
    return;
  }
  result.feasible = true;
  result.kl_benign = constraints.benign_divergence(trial.steering);
  if (rate.rate > incumbent.rate.rate) {
    incumbent.rate = rate;
  }
}

void evaluate_fully(const ConstraintChecker& constraints,
                    const Trial& trial,
                    TrialTable& table,
                    Incumbent& incumbent) {
  const auto rate_of_first = [&](size_t n_row) {
    (void)generate_target(constraints, trial, n_row, table);
    return table.of(trial).rates.at(constraints.target());
  };
  if (rate_of_first(kFirstRows).high < incumbent.rate.low) {
    table.of(trial).rejection_reason = trailing_reason(constraints);
  } else if (rate_of_first(kAllRows).rate < incumbent.rate.low) {
    table.of(trial).rejection_reason = "worse than the best";
  } else {
    settle(constraints, trial, table, incumbent);
  }
}

bool keeps_text(const ConstraintChecker& constraints, const Trial& trial, TrialTable& table) {
  const TextCheck check = constraints.check_text(trial.steering);
  CandidateResult& result = table.of(trial);
  result.perplexity = check.perplexity;
  if (check.rejection_reason.empty()) {
    return true;
  }
  result.rejection_reason = check.rejection_reason;
  result.breaks_limit = true;
  return false;
}

}  // namespace mascing
