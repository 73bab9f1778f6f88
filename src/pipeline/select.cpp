// Target rate first, limits second, damage as the tie-break; the test split is not looked at.
#include "pipeline/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/text.h"
#include "mascing/error.h"
#include "nn/metric.h"
#include "pipeline/screen.h"
#include "pipeline/text_blocks.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kPerfect = 0.9995;
constexpr double kRounding = 1e-9;
constexpr double kScreeningError = 0.03;  // of an estimated rate

/// A mask at a strength, before any reply was generated.
struct Prospect {
  size_t i_trial = 0;
  Steering steering;
  std::string what;
};

class Selector {
 public:
  Selector(Bench& bench,
           const Dataset& data,
           const Scenario& scenario,
           const std::vector<Candidate>& candidates,
           Judge& judge,
           const CoherenceLimit& coherence)
      : bench_(bench),
        data_(data),
        scenario_(scenario),
        candidates_(candidates),
        judge_(judge),
        coherence_(coherence),
        blocks_(text_blocks(bench.host(), data, scenario, Split::kSelection)) {
    if (scenario.search.n_finalist > 0) {
      panel_ = build_panel(bench, data, scenario, judge, coherence, Split::kSelection);
      screen_ = std::make_unique<Screen>(bench, panel_);
    }
  }

  Selection run() {
    for (const LoadedSet& set : data_.sets) {
      if (set.spec.role != SetRole::kWatch) {
        base_replies_[set.spec.metric] = ask(set, {}, "selecting: base " + set.spec.metric);
        base_rates_[set.spec.metric] = rate_of(set, base_replies_[set.spec.metric]);
      }
    }
    base_perplexity_ = blocks_.empty() ? 0.0 : bench_.text_perplexity(blocks_, {}).value;
    if (screen_) {
      base_screening_ = screen_->estimate({});
      watch_outcome({}, base_replies_.at(data_.target().spec.metric));
    }
    for (size_t i = 0; i < candidates_.size(); ++i) {
      try_strengths(i);
    }
    examine_finalists();
    choose();
    finish_outcome();
    return std::move(selection_);
  }

 private:
  [[nodiscard]] std::vector<AskedReply> ask(const LoadedSet& set,
                                            const Steering& steering,
                                            const std::string& what) {
    return bench_.replies(what, set.rows(Split::kSelection), steering);
  }

  [[nodiscard]] Rate rate_of(const LoadedSet& set, const std::vector<AskedReply>& replies) const {
    return wanted_rate(replies, judged(set, replies));
  }

  [[nodiscard]] std::vector<JudgedReply> judged(const LoadedSet& set,
                                                const std::vector<AskedReply>& replies) const {
    const auto& rows = set.rows(Split::kSelection);
    return judge_replies(rows, replies, rules_for(set.spec, judge_, coherence_));
  }

  /// Rising strengths, until the general text suffers too much or the target cannot get better.
  void try_strengths(size_t i) {
    const Candidate& candidate = candidates_[i];
    for (const double alpha : scenario_.search.alphas) {
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
      if (is_last_strength(prospect)) {
        break;
      }
    }
  }

  /// True if a stronger mask need not be tried: this one hurts the text, or is perfect.
  bool is_last_strength(const Prospect& prospect) {
    CandidateResult& trial = selection_.trials[prospect.i_trial];
    if (!keeps_text(trial, prospect.steering)) {
      return true;
    }
    if (!screen_) {
      examine(trial, prospect.steering, prospect.what);
      return target_rate(trial).rate > kPerfect;
    }
    report(bench_.progress(), {prospect.what + ", one prefill each", 0, 1, "sets", ""});
    const Screening screening = screen_->estimate(prospect.steering);
    trial.estimates = screening.rates;
    trial.kl_benign = screening.kl_benign;
    trial.why_not = why_hopeless(screening);
    if (trial.why_not.empty()) {
      prospects_.push_back(prospect);
    }
    return estimate_of(trial) > kPerfect;
  }

  [[nodiscard]] double estimate_of(const CandidateResult& trial) const {
    return trial.estimates.at(data_.target().spec.metric);
  }

  /// What the estimates rule out, with a margin for their error.
  [[nodiscard]] std::string why_hopeless(const Screening& screening) const {
    const std::string& target = data_.target().spec.metric;
    if (screening.rates.at(target) <= base_screening_.rates.at(target)) {
      return "no better than without a mask, by one prefill each";
    }
    for (const LoadedSet& set : data_.sets) {
      const auto found = screening.rates.find(set.spec.metric);
      if (found == screening.rates.end() || set.spec.role == SetRole::kTarget) {
        continue;
      }
      const double drop = base_screening_.rates.at(set.spec.metric) - found->second;
      if (drop > set.spec.max_drop + kScreeningError) {
        return set.spec.metric + " falls by " + format_percent(drop) + ", by one prefill each";
      }
    }
    return "";
  }

  /// The most promising trials by estimated target rate; of those that look alike the gentlest.
  void examine_finalists() {
    const auto n = static_cast<size_t>(scenario_.search.n_finalist);
    std::vector<Prospect> waiting = prospects_;
    for (size_t k = 0; k < n && !waiting.empty(); ++k) {
      const auto best = std::max_element(
          waiting.begin(), waiting.end(), [&](const Prospect& a, const Prospect& b) {
            return promise(a, k) < promise(b, k);
          });
      const Prospect finalist = *best;
      waiting.erase(best);
      CandidateResult& trial = selection_.trials[finalist.i_trial];
      examine(trial, finalist.steering, finalist.what);
      if (trial.rates.contains(data_.target().spec.metric)) {
        watch_outcome(finalist.steering, ask(data_.target(), finalist.steering, finalist.what));
      }
    }
    for (const Prospect& prospect : waiting) {
      selection_.trials[prospect.i_trial].why_not =
          "less promising than the finalists, by one prefill each";
    }
  }

  /// The first finalist is the one with the highest estimate, the second the gentlest near it, and
  /// so on in turn.
  [[nodiscard]] double promise(const Prospect& prospect, size_t k) const {
    const CandidateResult& trial = selection_.trials[prospect.i_trial];
    double top = 0.0;
    for (const Prospect& other : prospects_) {
      top = std::max(top, estimate_of(selection_.trials[other.i_trial]));
    }
    const bool is_near = estimate_of(trial) >= top - kScreeningError;
    return k % 2 == 0 || !is_near ? estimate_of(trial) - 1.0 : 1.0 - trial.kl_benign;
  }

  /// Remembers the margins of the target set and what was generated.
  void watch_outcome(const Steering& steering, const std::vector<AskedReply>& replies) {
    const LoadedSet& target = data_.target();
    const std::vector<JudgedReply> outcomes = judged(target, replies);
    const std::vector<double> margins = screen_->target_margins(steering, replies.size());
    for (size_t i = 0; i < replies.size(); ++i) {
      if (outcomes[i].ok() && std::isfinite(margins[i])) {
        margins_.push_back(margins[i]);
        wanted_.push_back(outcomes[i].is_wanted ? 1 : 0);
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

  /// False, with the reason, if the general text suffers more than allowed.
  bool keeps_text(CandidateResult& trial, const Steering& steering) {
    if (blocks_.empty()) {
      return true;
    }
    trial.perplexity = bench_.text_perplexity(blocks_, steering).value;
    const double limit = base_perplexity_ * (1.0 + scenario_.search.max_perplexity_rise);
    if (trial.perplexity > limit) {
      trial.why_not =
          "perplexity " + format_number(trial.perplexity, 1) + " > " + format_number(limit, 1);
      return false;
    }
    return true;
  }

  /// Cheapest question first: some of the target set, all of it, the other sets.
  void examine(CandidateResult& trial, const Steering& steering, const std::string& what) {
    const LoadedSet& target = data_.target();
    Rate& rate = trial.rates[target.spec.metric];
    rate = rate_of(target, first_replies(target, steering, what));
    if (rate.high < best_rate_.low) {
      trial.why_not = "behind after " + std::to_string(kChunk) + " conversations";
      return;
    }
    rate = rate_of(target, ask(target, steering, what));
    if (rate.rate <= base_rates_.at(target.spec.metric).rate) {
      trial.why_not = "no better than without a mask";
    } else if (rate.rate < best_rate_.low) {
      trial.why_not = "behind the best";
    } else {
      check_limits(trial, steering, what);
    }
  }

  [[nodiscard]] std::vector<AskedReply> first_replies(const LoadedSet& set,
                                                      const Steering& steering,
                                                      const std::string& what) {
    std::vector<Conversation> rows = set.rows(Split::kSelection);
    rows.resize(std::min(rows.size(), static_cast<size_t>(kChunk)));
    return bench_.replies(what, rows, steering);
  }

  /// Hold sets come first: a trial that fails later keeps them.
  void check_limits(CandidateResult& trial, const Steering& steering, const std::string& what) {
    for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
      for (const LoadedSet& set : data_.sets) {
        if (set.spec.role == role && trial.why_not.empty()) {
          check_limit(set, trial, steering, what);
        }
      }
      if (role == SetRole::kHold && trial.why_not.empty()) {
        keeps_hold_.push_back(static_cast<size_t>(&trial - selection_.trials.data()));
      }
    }
    if (trial.why_not.empty()) {
      trial.feasible = true;
      trial.kl_benign = benign_divergence(steering);
      if (target_rate(trial).rate > best_rate_.rate) {
        best_rate_ = target_rate(trial);
      }
    }
  }

  void check_limit(const LoadedSet& set,
                   CandidateResult& trial,
                   const Steering& steering,
                   const std::string& what) {
    const std::string& metric = set.spec.metric;
    const Rate rate = rate_of(set, ask(set, steering, what + ", " + metric));
    trial.rates[metric] = rate;
    const double limit = base_rates_.at(metric).rate - set.spec.max_drop;
    if (rate.rate < limit - kRounding) {
      trial.why_not = metric + " " + format_percent(rate.rate) + " < " + format_percent(limit);
    }
  }

  [[nodiscard]] double benign_divergence(const Steering& steering) {
    double sum = 0.0;
    int64_t n_token = 0;
    for (const LoadedSet& set : data_.sets) {
      if (set.spec.role == SetRole::kBenign) {
        const Divergence divergence = bench_.divergence(
            set.rows(Split::kSelection), base_replies_.at(set.spec.metric), steering);
        sum += divergence.kl * static_cast<double>(divergence.n_token);
        n_token += divergence.n_token;
      }
    }
    return n_token > 0 ? sum / static_cast<double>(n_token) : 0.0;
  }

  [[nodiscard]] const Rate& target_rate(const CandidateResult& trial) const {
    return trial.rates.at(data_.target().spec.metric);
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
    const bool has_benign = std::any_of(data_.sets.begin(), data_.sets.end(), [](const auto& set) {
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
  const Dataset& data_;
  const Scenario& scenario_;
  const std::vector<Candidate>& candidates_;
  Judge& judge_;
  const CoherenceLimit& coherence_;
  std::vector<std::vector<int32_t>> blocks_;
  Panel panel_;
  std::unique_ptr<Screen> screen_;  ///< null if every trial is examined
  Screening base_screening_;
  std::vector<Prospect> prospects_;  ///< trials that the screening leaves
  std::vector<double> margins_;      ///< of target conversations whose replies were generated
  std::vector<int> wanted_;          ///< what became of them
  std::map<std::string, std::vector<AskedReply>> base_replies_;  // by metric
  std::map<std::string, Rate> base_rates_;
  double base_perplexity_ = 0.0;
  Rate best_rate_{-1.0, -1.0, -1.0};  // of the target, over the feasible trials so far
  std::vector<size_t> keeps_hold_;    // trials within the limits of the hold sets
  Selection selection_;
};

}  // namespace

Selection select_mask(Bench& bench,
                      const Dataset& data,
                      const Scenario& scenario,
                      const std::vector<Candidate>& candidates,
                      Judge& judge,
                      const CoherenceLimit& coherence) {
  return Selector(bench, data, scenario, candidates, judge, coherence).run();
}

}  // namespace mascing
