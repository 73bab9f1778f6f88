// Target rate first, limits second, damage as the tie-break; the test split is not looked at.
#include "search/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/text.h"
#include "nn/metric.h"
#include "scenario/text_blocks.h"
#include "search/prefill_estimate.h"
#include "search/trial.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kPerfect = 0.9995;
constexpr double kScreeningError = 0.03;  // of an estimated rate
constexpr double kQuarterError = 0.06;    // the same of a quarter of the conversations
constexpr auto kFirstRows = static_cast<size_t>(kChunk);
constexpr size_t kAllRows = std::numeric_limits<size_t>::max();

class Selector {
 public:
  Selector(Bench& bench, const SelectionPlan& plan, const std::vector<Candidate>& candidates)
      : bench_(bench), plan_(plan), candidates_(candidates), examiner_(bench, plan) {
    if (plan.scenario.search.n_finalist > 0) {
      panel_ = build_panel(
          bench, plan.data, plan.scenario, plan.judge, plan.coherence, Split::kSelection);
      if (panel_.sees_target()) {
        start_screening();
      } else {
        say_unscreened();
      }
    }
  }

  Selection run() {
    selection_.n_base_token = examiner_.n_base_token();
    selection_.base_rate = examiner_.base_rate(examiner_.target()).rate;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (is_cut_short(i)) {
        break;
      }
      try_strengths(i);
    }
    if (screen_) {
      race(finalists(whole_looks()));
    }
    choose();
    finish_outcome();
    return std::move(selection_);
  }

 private:
  void start_screening() {
    screen_ = std::make_unique<Screen>(bench_, panel_);
    base_quarter_ = screen_->estimate({}, Look::kQuarter);
    base_whole_ = screen_->estimate({}, Look::kWhole);
    watch_outcome({}, examiner_.base_replies(examiner_.target()));
  }

  void say_unscreened() {
    selection_.warnings.push_back(
        {"not_screened",
         "one prefill of a conversation does not tell how '" + examiner_.target() +
             "' ends: replies were generated for every mask at every strength",
         "give fewer methods and alphas, or a --budget, if that takes too long"});
  }

  [[nodiscard]] CandidateResult& trial_of(const Prospect& prospect) {
    return selection_.trials[prospect.i_trial];
  }
  [[nodiscard]] const CandidateResult& trial_of(const Prospect& prospect) const {
    return selection_.trials[prospect.i_trial];
  }
  void notify() const {
    if (plan_.watch) {
      plan_.watch(selection_.trials);
    }
  }

  /// Spent budgets leave the first mask.
  bool is_cut_short(size_t i) {
    const bool is_cut = i > 0 && bench_.budget_spent() >= kTrialShare;
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
      CandidateResult trial;
      trial.method = candidate.mask->method;
      trial.lambda = candidate.mask->lambda;
      trial.epochs = candidate.epochs;
      trial.preserve = candidate.preserve;
      trial.guard = candidate.guard;
      trial.seed = candidate.mask->seed;
      trial.alpha = alpha;
      trial.n_active = candidate.mask->n_active();
      const Prospect prospect{selection_.trials.size(),
                              {candidate.mask, static_cast<float>(alpha)},
                              "selecting: mask " + std::to_string(i + 1) + "/" +
                                  std::to_string(candidates_.size()) + " alpha " +
                                  format_number(alpha, 2)};
      selection_.trials.push_back(std::move(trial));
      selection_.i_candidate.push_back(i);
      const bool is_last = is_last_strength(prospect);
      notify();
      if (is_last) {
        break;
      }
    }
  }

  /// True if a stronger mask need not be tried: this one hurts the text, or is perfect.
  bool is_last_strength(const Prospect& prospect) {
    CandidateResult& trial = trial_of(prospect);
    if (!examiner_.keeps_text(trial, prospect.steering)) {
      return true;
    }
    if (!screen_) {
      examine(trial, prospect.steering, prospect.what);
      return target_rate(trial).rate > kPerfect;
    }
    look(prospect, Look::kQuarter);
    if (estimate_of(prospect) > kPerfect) {
      look(prospect, Look::kWhole);
    }
    if (trial.why_not.empty()) {
      prospects_.push_back(prospect);
    }
    return estimate_of(prospect) > kPerfect;
  }

  // ------------------------------------------------------------ one prefill each

  /// Estimates for a trial, and the reason if they rule it out.
  void look(const Prospect& prospect, Look look) {
    report(bench_.progress(), {prospect.what + ", one prefill each", 0, 1, "sets", ""});
    const Screening screening = screen_->estimate(prospect.steering, look);
    CandidateResult& trial = trial_of(prospect);
    trial.estimates = screening.rates;
    trial.kl_benign = trial.kl_first = screening.kl_benign;
    judge_look(screening, look, trial);
  }

  [[nodiscard]] double estimate_of(const Prospect& prospect) const {
    return trial_of(prospect).estimates.at(examiner_.target());
  }

  /// What the estimates rule out, with a margin for their error.
  void judge_look(const Screening& screening, Look look, CandidateResult& trial) const {
    const bool is_quarter = look == Look::kQuarter;
    const Screening& base = is_quarter ? base_quarter_ : base_whole_;
    const double error = is_quarter ? kQuarterError : kScreeningError;
    const double gain = screening.rates.at(examiner_.target()) - base.rates.at(examiner_.target());
    if (gain <= (is_quarter ? -error : 0.0)) {
      trial.why_not = "no better than without a mask, by one prefill each";
      return;
    }
    for (const LoadedSet& set : plan_.data.sets) {
      const auto found = screening.rates.find(set.spec.metric);
      if (found == screening.rates.end() || set.spec.role == SetRole::kTarget) {
        continue;
      }
      const double drop = base.rates.at(set.spec.metric) - found->second;
      if (drop > set.spec.max_drop + error) {
        trial.why_not =
            set.spec.metric + " falls by " + format_percent(drop) + ", by one prefill each";
        trial.breaks_limit = true;
        return;
      }
    }
  }

  [[nodiscard]] Prospects take_by_estimate(Prospects& waiting, size_t n) const {
    double top = 0.0;
    for (const Prospect& prospect : waiting) {
      top = std::max(top, estimate_of(prospect));
    }
    const RateOf rate = [&](const Prospect& prospect) { return estimate_of(prospect); };
    return take_promising(waiting, selection_.trials, n, rate, top - kScreeningError);
  }

  void drop(const Prospects& dropped, const std::string& why_not) {
    for (const Prospect& prospect : dropped) {
      trial_of(prospect).why_not = why_not;
    }
  }

  /// The better half of the prospects, seen whole.
  [[nodiscard]] Prospects whole_looks() {
    Prospects waiting = prospects_;
    const auto n_least = static_cast<size_t>(2 * plan_.scenario.search.n_finalist);
    const Prospects seen = take_by_estimate(waiting, std::max(n_least, (waiting.size() + 1) / 2));
    drop(waiting, "less promising than others, by one prefill of every fourth conversation");
    Prospects kept;
    for (const Prospect& prospect : seen) {
      look(prospect, Look::kWhole);
      if (trial_of(prospect).why_not.empty()) {
        kept.push_back(prospect);
      }
      notify();
    }
    return kept;
  }

  // ------------------------------------------------------------ generated replies

  [[nodiscard]] Prospects finalists(Prospects waiting) {
    auto n = static_cast<size_t>(plan_.scenario.search.n_finalist);
    if (n > 1 && waiting.size() > 1 && bench_.budget_spent() >= kTrialShare) {
      n = 1;
      selection_.cut_short.push_back("replies were generated for one finalist of " +
                                     std::to_string(plan_.scenario.search.n_finalist));
    }
    Prospects taken = take_by_estimate(waiting, n);
    drop(waiting, "less promising than the finalists, by one prefill each");
    return taken;
  }

  /// Some of the target set for all; all of it for the better half; the limits for one after the
  /// other until one keeps them. Those that were left behind are taken up again if none does.
  void race(Prospects field) {
    Prospects reserve;
    if (field.size() > 2) {
      for (const Prospect& prospect : field) {
        (void)examiner_.ask_target(
            trial_of(prospect), prospect.steering, prospect.what, kFirstRows);
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

  [[nodiscard]] Rate best_of(const Prospects& field) const {
    Rate best{-1.0, -1.0, -1.0};
    for (const Prospect& prospect : field) {
      const Rate& rate = target_rate(trial_of(prospect));
      best = rate.rate > best.rate ? rate : best;
    }
    return best;
  }

  [[nodiscard]] RateOf generated_rate() const {
    return [this](const Prospect& prospect) { return target_rate(trial_of(prospect)).rate; };
  }

  /// All of the target set for all of the field, then the limits in the order of choice.
  void run_limits(Prospects field) {
    for (const Prospect& prospect : field) {
      std::vector<AskedReply> replies;
      (void)examiner_.ask_target(
          trial_of(prospect), prospect.steering, prospect.what, kAllRows, &replies);
      watch_outcome(prospect.steering, replies);
      notify();
    }
    order_by_choice(field, selection_.trials, generated_rate(), best_of(field).low);
    for (const Prospect& prospect : field) {
      CandidateResult& trial = trial_of(prospect);
      if (best_rate_.rate >= 0.0) {
        trial.why_not = "not needed: a better or gentler one keeps all limits";
      } else {
        settle(trial, prospect.steering, prospect.what);
      }
      notify();
    }
  }

  /// The limits, if the target's rate has risen.
  void settle(CandidateResult& trial, const Steering& steering, const std::string& what) {
    if (target_rate(trial).rate <= examiner_.base_rate(examiner_.target()).rate) {
      trial.why_not = "no better than without a mask";
      return;
    }
    if (examiner_.check_limits(trial, steering, what)) {
      keeps_hold_.push_back(static_cast<size_t>(&trial - selection_.trials.data()));
    }
    if (trial.feasible && target_rate(trial).rate > best_rate_.rate) {
      best_rate_ = target_rate(trial);
    }
  }

  /// Without a screening: some of the target set, all of it, the other sets.
  void examine(CandidateResult& trial, const Steering& steering, const std::string& what) {
    if (examiner_.ask_target(trial, steering, what, kFirstRows).high < best_rate_.low) {
      trial.why_not = "behind after " + std::to_string(kChunk) + " conversations";
    } else if (examiner_.ask_target(trial, steering, what, kAllRows).rate < best_rate_.low) {
      trial.why_not = "behind the best";
    } else {
      settle(trial, steering, what);
    }
  }

  /// Remembers the margins of the target set and what was generated.
  void watch_outcome(const Steering& steering, const std::vector<AskedReply>& replies) {
    const auto judged = examiner_.judge_target(replies);
    const std::vector<double> margins = screen_->target_margins(steering, replies.size());
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
    outcome.auc = nn::rank_auc(margins_, wanted_);
    outcome.rank_correlation =
        spearman(margins_, std::vector<double>(wanted_.begin(), wanted_.end()));
  }

  [[nodiscard]] const Rate& target_rate(const CandidateResult& trial) const {
    return trial.rates.at(examiner_.target());
  }

  /// The feasible trial with the least damage among those whose target rate lies in the interval of
  /// the best one; without a feasible one, the best rate among those that keep the hold sets.
  void choose() {
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < selection_.trials.size(); ++i) {
      const CandidateResult& trial = selection_.trials[i];
      if (trial.feasible && target_rate(trial).rate >= best_rate_.low && damage(trial) < least) {
        least = damage(trial);
        selection_.i_best = i;
        selection_.is_found = selection_.is_feasible = true;
      }
    }
    if (!selection_.is_found) {
      choose_fallback();
    }
  }

  /// Divergence on benign replies; where there are none, the perplexity of the general text.
  [[nodiscard]] double damage(const CandidateResult& trial) const {
    const std::vector<LoadedSet>& sets = plan_.data.sets;
    const bool has_benign = std::any_of(sets.begin(), sets.end(), [](const auto& set) {
      return set.spec.role == SetRole::kBenign;
    });
    return has_benign ? trial.kl_benign : trial.perplexity;
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
               selection_.trials[selection_.i_best].why_not,
           "look at the candidates in the report; loosen max_drop where you can afford it, or give "
           "more data"});
    }
  }

  Bench& bench_;
  const SelectionPlan& plan_;
  const std::vector<Candidate>& candidates_;
  Examiner examiner_;
  Panel panel_;
  std::unique_ptr<Screen> screen_;  ///< null: replies are generated for every trial
  Screening base_quarter_;
  Screening base_whole_;
  Prospects prospects_;               ///< trials that the first look leaves
  std::vector<double> margins_;       ///< of target conversations whose replies were generated
  std::vector<int> wanted_;           ///< what became of them
  Rate best_rate_{-1.0, -1.0, -1.0};  ///< of the target, over the feasible trials so far
  std::vector<size_t> keeps_hold_;    ///< trials within the limits of the hold sets
  Selection selection_;
};

}  // namespace

Selection select_mask(Bench& bench,
                      const SelectionPlan& plan,
                      const std::vector<Candidate>& candidates) {
  return Selector(bench, plan, candidates).run();
}

}  // namespace mascing
