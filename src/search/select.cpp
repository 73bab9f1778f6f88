// Target rate first, limits second, damage as the tie-break; the test split is not looked at.
#include "search/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/text.h"
#include "measure/budget_shares.h"
#include "scenario/text_blocks.h"
#include "search/prefill_estimate.h"
#include "search/trial.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kPerfect = 0.9995;
constexpr double kEstimateError = 0.03;  // of an estimated rate
constexpr double kQuarterError = 0.06;   // the same of a quarter of the conversations
constexpr auto kFirstRows = static_cast<size_t>(kChunk);
constexpr size_t kAllRows = std::numeric_limits<size_t>::max();

class Selector {
 public:
  Selector(CachedEvaluator& evaluator,
           const SelectionPlan& plan,
           const std::vector<Candidate>& candidates)
      : evaluator_(evaluator), plan_(plan), candidates_(candidates), constraints_(evaluator, plan) {
    if (plan.scenario.search.n_finalist > 0) {
      objectives_ = build_objectives(
          evaluator, plan.data, plan.scenario, plan.judge, plan.coherence, Split::kSelection);
      if (objectives_.sees_target()) {
        start_estimates();
      } else {
        say_not_estimated();
      }
    }
  }

  Selection run() {
    selection_.n_base_token = constraints_.n_base_token();
    selection_.base_rate = constraints_.base_rate(constraints_.target()).rate;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (is_cut_short(i)) {
        break;
      }
      try_strengths(i);
    }
    if (estimator_) {
      halve_successively(finalists(full_estimates()));
    }
    choose();
    finish_outcome();
    return std::move(selection_);
  }

 private:
  void start_estimates() {
    estimator_ = std::make_unique<PrefillEstimator>(evaluator_, objectives_);
    base_quarter_ = estimator_->estimate({}, Sample::kQuarter);
    base_whole_ = estimator_->estimate({}, Sample::kWhole);
    record_margins({}, constraints_.base_replies(constraints_.target()));
  }

  void say_not_estimated() {
    selection_.warnings.push_back(
        {"not_screened",
         "one prefill of a conversation does not tell how '" + constraints_.target() +
             "' ends: replies were generated for every mask at every strength",
         "give fewer methods and alphas, or a --budget, if that takes too long"});
  }

  [[nodiscard]] CandidateResult& result_of(const Trial& trial) {
    return selection_.trials[trial.i_trial];
  }
  [[nodiscard]] const CandidateResult& result_of(const Trial& trial) const {
    return selection_.trials[trial.i_trial];
  }
  void notify() const {
    if (plan_.watch) {
      plan_.watch(selection_.trials);
    }
  }

  /// Spent budgets leave the first mask.
  bool is_cut_short(size_t i) {
    const bool is_cut = i > 0 && evaluator_.budget_spent() >= kTrialShare;
    if (is_cut) {
      selection_.cut_short.push_back(std::to_string(i) + " of " +
                                     std::to_string(candidates_.size()) + " masks were tried");
    }
    return is_cut;
  }

  /// Rising strengths, until the general text suffers too much or the target cannot get better.
  void try_strengths(size_t i) {
    const Candidate& candidate = candidates_[i];
    for (const double alpha : plan_.scenario.search.alphas) {
      CandidateResult result;
      result.method = candidate.mask->method;
      result.lambda = candidate.mask->lambda;
      result.epochs = candidate.epochs;
      result.preserve = candidate.preserve;
      result.guard = candidate.guard;
      result.seed = candidate.mask->seed;
      result.alpha = alpha;
      result.n_active = candidate.mask->n_active();
      const Trial trial{selection_.trials.size(),
                        {candidate.mask, static_cast<float>(alpha)},
                        "selecting: mask " + std::to_string(i + 1) + "/" +
                            std::to_string(candidates_.size()) + " alpha " +
                            format_number(alpha, 2)};
      selection_.trials.push_back(std::move(result));
      selection_.i_candidate.push_back(i);
      const bool is_last = is_last_strength(trial);
      notify();
      if (is_last) {
        break;
      }
    }
  }

  /// True if a stronger mask need not be tried: this one hurts the text, or is perfect.
  bool is_last_strength(const Trial& trial) {
    CandidateResult& result = result_of(trial);
    if (!constraints_.keeps_text(result, trial.steering)) {
      return true;
    }
    if (!estimator_) {
      evaluate_fully(result, trial.steering, trial.what);
      return target_rate(result).rate > kPerfect;
    }
    estimate(trial, Sample::kQuarter);
    if (estimate_of(trial) > kPerfect) {
      estimate(trial, Sample::kWhole);
    }
    if (result.rejection_reason.empty()) {
      trials_.push_back(trial);
    }
    return estimate_of(trial) > kPerfect;
  }

  // ------------------------------------------------------------ one prefill each

  /// Estimates for a trial, and the reason if they rule it out.
  void estimate(const Trial& trial, Sample sample) {
    report(evaluator_.progress(), {trial.what + ", one prefill each", 0, 1, "sets", ""});
    const PrefillEstimate estimate = estimator_->estimate(trial.steering, sample);
    CandidateResult& result = result_of(trial);
    result.estimates = estimate.rates;
    result.kl_benign = result.kl_first = estimate.kl_benign;
    apply_estimate(estimate, sample, result);
  }

  [[nodiscard]] double estimate_of(const Trial& trial) const {
    return result_of(trial).estimates.at(constraints_.target());
  }

  /// What the estimates rule out, with a margin for their error.
  void apply_estimate(const PrefillEstimate& estimate,
                      Sample sample,
                      CandidateResult& result) const {
    const bool is_quarter = sample == Sample::kQuarter;
    const PrefillEstimate& base = is_quarter ? base_quarter_ : base_whole_;
    const double error = is_quarter ? kQuarterError : kEstimateError;
    const double gain =
        estimate.rates.at(constraints_.target()) - base.rates.at(constraints_.target());
    if (gain <= (is_quarter ? -error : 0.0)) {
      result.rejection_reason = "no better than without a mask, by one prefill each";
      return;
    }
    for (const LoadedSet& set : plan_.data.sets) {
      const auto found = estimate.rates.find(set.spec.metric);
      if (found == estimate.rates.end() || set.spec.role == SetRole::kTarget) {
        continue;
      }
      const double drop = base.rates.at(set.spec.metric) - found->second;
      if (drop > set.spec.max_drop + error) {
        result.rejection_reason =
            set.spec.metric + " falls by " + format_percent(drop) + ", by one prefill each";
        result.breaks_limit = true;
        return;
      }
    }
  }

  [[nodiscard]] Trials take_by_estimate(Trials& waiting, size_t n) const {
    double top = 0.0;
    for (const Trial& trial : waiting) {
      top = std::max(top, estimate_of(trial));
    }
    const RateOf rate = [&](const Trial& trial) { return estimate_of(trial); };
    return take_promising(waiting, selection_.trials, n, rate, top - kEstimateError);
  }

  void drop(const Trials& dropped, const std::string& rejection_reason) {
    for (const Trial& trial : dropped) {
      result_of(trial).rejection_reason = rejection_reason;
    }
  }

  /// The better half of the trials, seen whole.
  [[nodiscard]] Trials full_estimates() {
    Trials waiting = trials_;
    const auto n_least = static_cast<size_t>(2 * plan_.scenario.search.n_finalist);
    const Trials seen = take_by_estimate(waiting, std::max(n_least, (waiting.size() + 1) / 2));
    drop(waiting, "less promising than others, by one prefill of every fourth conversation");
    Trials kept;
    for (const Trial& trial : seen) {
      estimate(trial, Sample::kWhole);
      if (result_of(trial).rejection_reason.empty()) {
        kept.push_back(trial);
      }
      notify();
    }
    return kept;
  }

  // ------------------------------------------------------------ generated replies

  [[nodiscard]] Trials finalists(Trials waiting) {
    auto n = static_cast<size_t>(plan_.scenario.search.n_finalist);
    if (n > 1 && waiting.size() > 1 && evaluator_.budget_spent() >= kTrialShare) {
      n = 1;
      selection_.cut_short.push_back("replies were generated for one finalist of " +
                                     std::to_string(plan_.scenario.search.n_finalist));
    }
    Trials taken = take_by_estimate(waiting, n);
    drop(waiting, "less promising than the finalists, by one prefill each");
    return taken;
  }

  /// Some of the target set for all; all of it for the better half; the limits for one after the
  /// other until one keeps them. Those that were left behind are taken up again if none does.
  void halve_successively(Trials field) {
    Trials reserve;
    if (field.size() > 2) {
      for (const Trial& trial : field) {
        (void)constraints_.ask_target(result_of(trial), trial.steering, trial.what, kFirstRows);
        notify();
      }
      reserve = std::move(field);
      const size_t n_half = std::max<size_t>(2, (reserve.size() + 1) / 2);
      field = take_promising(
          reserve, selection_.trials, n_half, generated_rate(), best_of(reserve).low);
      drop(reserve, "behind after " + std::to_string(kChunk) + " conversations");
    }
    run_limits(std::move(field));
    if (best_rate_.rate < 0.0) {
      drop(reserve, "");
      run_limits(std::move(reserve));
    }
  }

  [[nodiscard]] Rate best_of(const Trials& field) const {
    Rate best{-1.0, -1.0, -1.0};
    for (const Trial& trial : field) {
      const Rate& rate = target_rate(result_of(trial));
      best = rate.rate > best.rate ? rate : best;
    }
    return best;
  }

  [[nodiscard]] RateOf generated_rate() const {
    return [this](const Trial& trial) { return target_rate(result_of(trial)).rate; };
  }

  /// All of the target set for all of the field, then the limits in the order of choice.
  void run_limits(Trials field) {
    for (const Trial& trial : field) {
      std::vector<AskedReply> replies;
      (void)constraints_.ask_target(
          result_of(trial), trial.steering, trial.what, kAllRows, &replies);
      record_margins(trial.steering, replies);
      notify();
    }
    order_by_choice(field, selection_.trials, generated_rate(), best_of(field).low);
    for (const Trial& trial : field) {
      CandidateResult& result = result_of(trial);
      if (best_rate_.rate >= 0.0) {
        result.rejection_reason = "not needed: a better or gentler one keeps all limits";
      } else {
        settle(result, trial.steering, trial.what);
      }
      notify();
    }
  }

  /// The limits, if the target's rate has risen.
  void settle(CandidateResult& result, const Steering& steering, const std::string& what) {
    if (target_rate(result).rate <= constraints_.base_rate(constraints_.target()).rate) {
      result.rejection_reason = "no better than without a mask";
      return;
    }
    if (constraints_.check_limits(result, steering, what)) {
      keeps_hold_.push_back(static_cast<size_t>(&result - selection_.trials.data()));
    }
    if (result.feasible && target_rate(result).rate > best_rate_.rate) {
      best_rate_ = target_rate(result);
    }
  }

  /// Without prefill estimates: some of the target set, all of it, the other sets.
  void evaluate_fully(CandidateResult& result, const Steering& steering, const std::string& what) {
    if (constraints_.ask_target(result, steering, what, kFirstRows).high < best_rate_.low) {
      result.rejection_reason = "behind after " + std::to_string(kChunk) + " conversations";
    } else if (constraints_.ask_target(result, steering, what, kAllRows).rate < best_rate_.low) {
      result.rejection_reason = "behind the best";
    } else {
      settle(result, steering, what);
    }
  }

  /// Remembers the margins of the target set and what was generated.
  void record_margins(const Steering& steering, const std::vector<AskedReply>& replies) {
    const auto judged = constraints_.judge_target(replies);
    const std::vector<double> margins = estimator_->target_margins(steering, replies.size());
    for (size_t i = 0; i < replies.size(); ++i) {
      if (judged[i].ok() && std::isfinite(margins[i])) {
        margins_.push_back(margins[i]);
        wanted_.push_back(judged[i].is_wanted ? 1 : 0);
      }
    }
  }

  void finish_outcome() {
    if (margins_.empty()) {
      return;
    }
    OutcomeResult& outcome = selection_.outcome;
    outcome.n = static_cast<int64_t>(margins_.size());
    outcome.auc = rank_auc(margins_, wanted_);
    outcome.rank_correlation =
        spearman(margins_, std::vector<double>(wanted_.begin(), wanted_.end()));
  }

  [[nodiscard]] const Rate& target_rate(const CandidateResult& result) const {
    return result.rates.at(constraints_.target());
  }

  /// The feasible trial with the least damage among those whose target rate lies in the interval of
  /// the best one; without a feasible one, the best rate among those that keep the hold sets.
  void choose() {
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < selection_.trials.size(); ++i) {
      const CandidateResult& result = selection_.trials[i];
      if (result.feasible && target_rate(result).rate >= best_rate_.low && damage(result) < least) {
        least = damage(result);
        selection_.i_best = i;
        selection_.is_found = selection_.is_feasible = true;
      }
    }
    if (!selection_.is_found) {
      choose_fallback();
    }
  }

  /// Divergence on benign replies; where there are none, the perplexity of the general text.
  [[nodiscard]] double damage(const CandidateResult& result) const {
    const std::vector<LoadedSet>& sets = plan_.data.sets;
    const bool has_benign = std::any_of(sets.begin(), sets.end(), [](const auto& set) {
      return set.spec.role == SetRole::kBenign;
    });
    return has_benign ? result.kl_benign : result.perplexity;
  }

  void choose_fallback() {
    for (const size_t i : keeps_hold_) {
      if (!selection_.is_found || target_rate(selection_.trials[i]).rate >
                                      target_rate(selection_.trials[selection_.i_best]).rate) {
        selection_.is_found = true;
        selection_.i_best = i;
      }
    }
    if (selection_.is_found) {
      selection_.warnings.push_back(
          {"limits_not_kept",
           "no mask keeps all limits on the selection split; of the chosen one: " +
               selection_.trials[selection_.i_best].rejection_reason,
           "look at the candidates in the report; loosen max_drop where you can afford it, or give "
           "more data"});
    }
  }

  CachedEvaluator& evaluator_;
  const SelectionPlan& plan_;
  const std::vector<Candidate>& candidates_;
  ConstraintChecker constraints_;
  Objectives objectives_;
  std::unique_ptr<PrefillEstimator> estimator_;  ///< null: replies are generated for every trial
  PrefillEstimate base_quarter_;
  PrefillEstimate base_whole_;
  Trials trials_;                     ///< trials that the first estimate leaves
  std::vector<double> margins_;       ///< of target conversations whose replies were generated
  std::vector<int> wanted_;           ///< what became of them
  Rate best_rate_{-1.0, -1.0, -1.0};  ///< of the target, over the feasible trials so far
  std::vector<size_t> keeps_hold_;    ///< trials within the limits of the hold sets
  Selection selection_;
};

}  // namespace

Selection select_mask(CachedEvaluator& evaluator,
                      const SelectionPlan& plan,
                      const std::vector<Candidate>& candidates) {
  return Selector(evaluator, plan, candidates).run();
}

}  // namespace mascing
