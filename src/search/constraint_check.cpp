// The cheapest question first: general text, the target set, then the limits of the others.
#include "search/constraint_check.h"

#include <algorithm>

#include "base/text.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

constexpr double kRounding = 1e-9;  // rates this close are the same rate

}  // namespace

std::string broken_limit(const ScenarioSet& set, double base, double reached) {
  const double limit = base - set.max_drop;
  return reached < limit - kRounding
             ? set.metric + " " + format_percent(reached) + " < " + format_percent(limit)
             : "";
}

ConstraintChecker::ConstraintChecker(CachedEvaluator& evaluator, const SelectionPlan& plan)
    : evaluator_(evaluator),
      plan_(plan),
      blocks_(text_blocks(evaluator.host(), plan.data, plan.scenario, Split::kSelection)) {
  for (const LoadedSet& set : plan.data.sets) {
    if (set.spec.role == SetRole::kWatch) {
      continue;
    }
    const std::string& metric = set.spec.metric;
    base_replies_[metric] =
        evaluator.replies("selecting: base " + metric, set.rows(Split::kSelection), {});
    base_rates_[metric] = rate_of(set, base_replies_[metric]);
  }
  base_perplexity_ = blocks_.empty() ? 0.0 : evaluator.text_perplexity(blocks_, {}).value;
}

const Rate& ConstraintChecker::base_rate(const std::string& metric) const {
  return base_rates_.at(metric);
}

const std::vector<AskedReply>& ConstraintChecker::base_replies(const std::string& metric) const {
  return base_replies_.at(metric);
}

int64_t ConstraintChecker::n_base_token() const {
  int64_t n_token = 0;
  for (const auto& [metric, replies] : base_replies_) {
    for (const AskedReply& reply : replies) {
      n_token += static_cast<int64_t>(reply.tokens.size());
    }
  }
  return n_token;
}

Rate ConstraintChecker::rate_of(const LoadedSet& set,
                                const std::vector<AskedReply>& replies) const {
  const JudgeRules rules = rules_for(set.spec, plan_.judge, plan_.coherence);
  return wanted_rate(replies, judge_replies(set.rows(Split::kSelection), replies, rules));
}

std::vector<JudgedReply> ConstraintChecker::judge_target(
    const std::vector<AskedReply>& replies) const {
  const LoadedSet& target = plan_.data.target();
  return judge_replies(target.rows(Split::kSelection),
                       replies,
                       rules_for(target.spec, plan_.judge, plan_.coherence));
}

bool ConstraintChecker::keeps_text(CandidateResult& result, const Steering& steering) {
  if (blocks_.empty()) {
    return true;
  }
  result.perplexity = evaluator_.text_perplexity(blocks_, steering).value;
  const double limit = base_perplexity_ * (1.0 + plan_.scenario.search.max_perplexity_rise);
  if (result.perplexity > limit) {
    result.rejection_reason =
        "perplexity " + format_number(result.perplexity, 1) + " > " + format_number(limit, 1);
    result.breaks_limit = true;
    return false;
  }
  return true;
}

const Rate& ConstraintChecker::ask_target(CandidateResult& result,
                                          const Steering& steering,
                                          const std::string& what,
                                          size_t n_row,
                                          std::vector<AskedReply>* replies) {
  const LoadedSet& set = plan_.data.target();
  std::vector<Conversation> rows = set.rows(Split::kSelection);
  rows.resize(std::min(rows.size(), n_row));
  std::vector<AskedReply> asked = evaluator_.replies(what, rows, steering);
  Rate& rate = result.rates[target()];
  rate = rate_of(set, asked);
  if (replies != nullptr) {
    *replies = std::move(asked);
  }
  return rate;
}

bool ConstraintChecker::check_limits(CandidateResult& result,
                                     const Steering& steering,
                                     const std::string& what) {
  bool keeps_hold = false;
  for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
    for (const LoadedSet& set : plan_.data.sets) {
      if (set.spec.role == role && result.rejection_reason.empty()) {
        check_limit(set, result, steering, what);
      }
    }
    keeps_hold = keeps_hold || (role == SetRole::kHold && result.rejection_reason.empty());
  }
  if (result.rejection_reason.empty()) {
    result.feasible = true;
    result.kl_benign = benign_divergence(steering);
  }
  return keeps_hold;
}

void ConstraintChecker::check_limit(const LoadedSet& set,
                                    CandidateResult& result,
                                    const Steering& steering,
                                    const std::string& what) {
  const std::string& metric = set.spec.metric;
  const Rate rate =
      rate_of(set, evaluator_.replies(what + ", " + metric, set.rows(Split::kSelection), steering));
  result.rates[metric] = rate;
  const std::string broken = broken_limit(set.spec, base_rates_.at(metric).rate, rate.rate);
  if (!broken.empty()) {
    result.rejection_reason = broken;
    result.breaks_limit = true;
  }
}

double ConstraintChecker::benign_divergence(const Steering& steering) {
  double sum = 0.0;
  int64_t n_token = 0;
  for (const LoadedSet& set : plan_.data.sets) {
    if (set.spec.role == SetRole::kBenign) {
      const Divergence divergence = evaluator_.divergence(
          set.rows(Split::kSelection), base_replies_.at(set.spec.metric), steering);
      sum += divergence.kl * static_cast<double>(divergence.n_token);
      n_token += divergence.n_token;
    }
  }
  return n_token > 0 ? sum / static_cast<double>(n_token) : 0.0;
}

}  // namespace mascing
