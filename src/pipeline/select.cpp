// Target rate first, limits second, damage as the tie-break; the test split is not looked at.
#include "pipeline/select.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kPerfect = 0.9995;
constexpr double kRounding = 1e-9;

class Selector {
 public:
  Selector(Bench& bench,
           const Dataset& data,
           const Scenario& scenario,
           const std::vector<Candidate>& candidates,
           const RefusalJudge& judge,
           const CoherenceLimit& coherence)
      : bench_(bench),
        data_(data),
        scenario_(scenario),
        candidates_(candidates),
        judge_(judge),
        coherence_(coherence),
        blocks_(text_blocks(bench.host(), data, scenario, Split::kSelection)) {}

  Selection run() {
    for (const LoadedSet& set : data_.sets) {
      if (set.spec.role != SetRole::kWatch) {
        base_replies_[set.spec.metric] = ask(set, {}, "selecting: base " + set.spec.metric);
        base_rates_[set.spec.metric] = rate_of(set, base_replies_[set.spec.metric]);
      }
    }
    base_perplexity_ = blocks_.empty() ? 0.0 : bench_.text_perplexity(blocks_, {}).value;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      try_strengths(i);
    }
    choose();
    return std::move(selection_);
  }

 private:
  [[nodiscard]] std::vector<AskedReply> ask(const LoadedSet& set,
                                            const Steering& steering,
                                            const std::string& what) {
    return bench_.replies(what, set.rows(Split::kSelection), steering);
  }

  [[nodiscard]] Rate rate_of(const LoadedSet& set, const std::vector<AskedReply>& replies) const {
    return wanted_rate(replies, judge_replies(replies, rules_for(set.spec, judge_, coherence_)));
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
      const Steering steering{candidate.mask, static_cast<float>(alpha)};
      const std::string what = "selecting: mask " + std::to_string(i + 1) + "/" +
                               std::to_string(candidates_.size()) + " alpha " +
                               format_number(alpha, 2);
      examine(trial, steering, what);
      const bool is_too_strong = trial.rates.empty();
      const bool is_perfect = !is_too_strong && target_rate(trial).rate > kPerfect;
      selection_.trials.push_back(std::move(trial));
      selection_.i_candidate.push_back(i);
      if (is_too_strong || is_perfect) {
        break;
      }
    }
  }

  /// Cheapest question first: general text, some of the target set, all of it, the other sets.
  void examine(CandidateResult& trial, const Steering& steering, const std::string& what) {
    trial.perplexity = blocks_.empty() ? 0.0 : bench_.text_perplexity(blocks_, steering).value;
    const double limit = base_perplexity_ * (1.0 + scenario_.search.max_perplexity_rise);
    if (!blocks_.empty() && trial.perplexity > limit) {
      trial.why_not =
          "perplexity " + format_number(trial.perplexity, 1) + " > " + format_number(limit, 1);
      return;
    }
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
        keeps_hold_.push_back(selection_.trials.size());
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
  const RefusalJudge& judge_;
  const CoherenceLimit& coherence_;
  std::vector<std::vector<int32_t>> blocks_;
  std::map<std::string, std::vector<AskedReply>> base_replies_;  // by metric
  std::map<std::string, Rate> base_rates_;
  double base_perplexity_ = 0.0;
  Rate best_rate_{-1.0, -1.0, -1.0};  // of the target, over the feasible trials so far
  std::vector<size_t> keeps_hold_;    // trials within the limits of the hold sets
  Selection selection_;
};

}  // namespace

std::vector<std::vector<int32_t>> text_blocks(const Host& host,
                                              const Dataset& data,
                                              const Scenario& scenario,
                                              Split split) {
  if (data.text.empty()) {
    return {};
  }
  auto blocks = split_blocks(host, data.text, scenario.general.n_block_token);
  const auto n = static_cast<int64_t>(blocks.size());
  const std::array<int64_t, 4> bounds = {0, n / 4, n / 2, n};  // discovery, selection, test
  const auto i_split = static_cast<size_t>(split);
  blocks = {blocks.begin() + bounds.at(i_split), blocks.begin() + bounds.at(i_split + 1)};
  const int64_t n_max = scenario.general.n_max_block;
  if (n_max > 0 && static_cast<int64_t>(blocks.size()) > n_max) {
    blocks.resize(static_cast<size_t>(n_max));
  }
  return blocks;
}

Selection select_mask(Bench& bench,
                      const Dataset& data,
                      const Scenario& scenario,
                      const std::vector<Candidate>& candidates,
                      const RefusalJudge& judge,
                      const CoherenceLimit& coherence) {
  return Selector(bench, data, scenario, candidates, judge, coherence).run();
}

}  // namespace mascing
