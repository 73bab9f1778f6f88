// Runs the cheapest check first: general text, the target set, then the limits of other sets.
#include "search/constraint_check.h"

#include <algorithm>
#include <utility>

#include "base/metric_names.h"
#include "base/numeric.h"
#include "base/spread.h"
#include "base/text.h"
#include "measure/limit_coverage.h"
#include "scenario/text_blocks.h"
#include "stage/power.h"

namespace mascing {
namespace {

constexpr double kRounding = 1e-9;  // rates this close are the same rate

}  // namespace

std::string broken_limit(const ScenarioSet& set, double base, double reached, int64_t n) {
  if (n == 0) {
    return display_name(set.metric) + ": no conversation has a verdict on both sides";
  }
  return base - reached > allowed_drop(n, set.max_drop) + kRounding
             ? display_name(set.metric) + " " + format_percent(reached) + " < " +
                   format_percent(base - set.max_drop)
             : "";
}

std::string broken_limit(const ScenarioSet& set, const MetricResult& both) {
  const double reached = both.steered.value_or(Rate{0.0, 0.0, 0.0}).rate;
  const std::string reason = broken_limit(set, both.base.rate, reached, both.n);
  const int64_t n_all = both.n + both.n_left_out;
  return reason.empty() || both.n == 0 || !are_few(both.n, n_all)
             ? reason
             : reason + " (" + std::to_string(both.n) + " of " + std::to_string(n_all) +
                   " conversations)";
}

std::vector<size_t> asking_order(size_t n_row, size_t n_first) {
  std::vector<size_t> order = spread_indices(n_row, n_first);
  std::vector<bool> is_first(n_row, false);
  for (const size_t i : order) {
    is_first[i] = true;
  }
  for (size_t i = 0; i < n_row; ++i) {
    if (!is_first[i]) {
      order.push_back(i);
    }
  }
  return order;
}

ConstraintChecker::ConstraintChecker(const EvalContext& context)
    : context_(context),
      blocks_(limited_blocks(
          context.evaluator.host(), context.data, context.scenario, Split::kSelection)) {
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kWatch) {
      continue;
    }
    const std::string& metric = set.spec.metric;
    JudgedReplies& base = base_[metric];
    base = ask_treated(context, set, set.rows(Split::kSelection), {}, "selecting: base " + metric);
    base_rates_[metric] = base.rate();
  }
  base_perplexity_ = blocks_.empty() ? 0.0 : context.evaluator.text_perplexity(blocks_, {}).value;
}

const Rate& ConstraintChecker::base_rate(const std::string& metric) const {
  return base_rates_.at(metric);
}

int64_t ConstraintChecker::n_base_token() const {
  int64_t n_token = 0;
  for (const auto& [metric, base] : base_) {
    for (const AskedReply& reply : base.replies) {
      n_token += std::ssize(reply.tokens);
    }
  }
  return n_token;
}

std::vector<JudgedReply> ConstraintChecker::judge_target(
    const std::vector<AskedReply>& replies) const {
  const LoadedSet& target = context_.target();
  return judge_replies(target.rows(Split::kSelection), replies, context_.rules_for(target.spec));
}

TextCheck ConstraintChecker::check_text(const Steering& steering) const {
  TextCheck check;
  if (blocks_.empty()) {
    return check;
  }
  check.perplexity = context_.evaluator.text_perplexity(blocks_, steering).value;
  const double limit = base_perplexity_ * (1.0 + context_.scenario.search.max_perplexity_rise);
  if (!(check.perplexity <= limit)) {  // nor if it is no number
    check.rejection_reason =
        "perplexity " + format_number(check.perplexity, 1) + " > " + format_number(limit, 1);
  }
  return check;
}

TargetReplies ConstraintChecker::ask_target(const Treatment& treatment,
                                            const std::string& what,
                                            size_t n_row) const {
  const LoadedSet& set = context_.target();
  const std::vector<Conversation>& rows = set.rows(Split::kSelection);
  std::vector<size_t> order = asking_order(rows.size(), kChunk);
  order.resize(std::min(order.size(), n_row));
  JudgedReplies asked = ask_treated(context_, set, taken_at(rows, order), treatment, what);
  const Rate rate = asked.rate();
  if (order.size() < rows.size()) {
    return {std::move(asked.replies), rate};
  }
  std::vector<AskedReply> replies(rows.size());
  for (size_t k = 0; k < order.size(); ++k) {
    replies[order[k]] = std::move(asked.replies[k]);
  }
  return {std::move(replies), rate};
}

LimitCheck ConstraintChecker::check_limits(const Treatment& treatment,
                                           const std::string& what) const {
  LimitCheck check;
  for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
    for (const LoadedSet& set : context_.data.sets) {
      if (set.spec.role != role || !check.rejection_reason.empty()) {
        continue;
      }
      const std::string& metric = set.spec.metric;
      const auto& rows = set.rows(Split::kSelection);
      const std::string of_set = std::string(what).append(", ").append(metric);
      const JudgedReplies asked = ask_treated(context_, set, rows, treatment, of_set);
      check.rates[metric] = asked.rate();
      const JudgedReplies& base = base_.at(metric);
      const MetricResult both = compare(base.replies, base.judged, asked.replies, asked.judged);
      if (both.n_left_out > 0) {
        check.left_out[metric] = both.n_left_out;
      }
      check.rejection_reason = broken_limit(set.spec, both);
    }
    check.keeps_hold =
        check.keeps_hold || (role == SetRole::kHold && check.rejection_reason.empty());
  }
  return check;
}

double ConstraintChecker::benign_divergence(const Steering& steering) const {
  double sum = 0.0;
  int64_t n_token = 0;
  for (const LoadedSet& set : context_.data.sets) {
    if (set.spec.role == SetRole::kBenign) {
      const Divergence divergence = context_.evaluator.divergence(
          set.rows(Split::kSelection), base_.at(set.spec.metric).replies, steering);
      sum += divergence.kl * to_double(divergence.n_token);
      n_token += divergence.n_token;
    }
  }
  return n_token > 0 ? sum / to_double(n_token) : 0.0;
}

}  // namespace mascing
