// Target rate first, limits second, damage as the tie-break; the test split is not looked at.
#include "pipeline/select.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kPerfect = 0.9995;
constexpr double kRounding = 1e-9;

std::string percent(double share) {
  return format_number(100.0 * share, 1) + " %";
}

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
        base_rates_[set.spec.metric] = measure(set, {}, "selecting: base " + set.spec.metric).rate;
      }
    }
    base_perplexity_ = blocks_.empty() ? 0.0 : bench_.text_perplexity(blocks_, {}).value;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      try_strengths(i);
    }
    check_limits();
    choose();
    return std::move(selection_);
  }

 private:
  Rate measure(const LoadedSet& set, const Steering& steering, const std::string& what) {
    const auto replies = bench_.replies(what, set.rows(Split::kSelection), steering);
    return wanted_rate(replies, judge_replies(replies, rules_for(set.spec, judge_, coherence_)));
  }

  [[nodiscard]] Steering steering_of(size_t i_trial) const {
    return {candidates_[selection_.i_candidate[i_trial]].mask,
            static_cast<float>(selection_.trials[i_trial].alpha)};
  }

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
      trial.perplexity = blocks_.empty() ? 0.0 : bench_.text_perplexity(blocks_, steering).value;
      if (breaks_perplexity(trial)) {
        record(std::move(trial), i);
        break;
      }
      const LoadedSet& target = data_.target();
      const std::string what = "selecting: mask " + std::to_string(i + 1) + "/" +
                               std::to_string(candidates_.size()) + " alpha " +
                               format_number(alpha, 2);
      trial.rates[target.spec.metric] = measure(target, steering, what);
      const double rate = trial.rates[target.spec.metric].rate;
      trial.why_not = "not examined: a better trial was found first";
      record(std::move(trial), i);
      if (rate > kPerfect) {
        break;
      }
    }
  }

  bool breaks_perplexity(CandidateResult& trial) const {
    const double limit = base_perplexity_ * (1.0 + scenario_.search.max_perplexity_rise);
    if (blocks_.empty() || trial.perplexity <= limit) {
      return false;
    }
    trial.why_not =
        "perplexity " + format_number(trial.perplexity, 1) + " > " + format_number(limit, 1);
    return true;
  }

  void record(CandidateResult trial, size_t i_candidate) {
    selection_.trials.push_back(std::move(trial));
    selection_.i_candidate.push_back(i_candidate);
  }

  [[nodiscard]] double target_rate(size_t i_trial) const {
    const auto& rates = selection_.trials[i_trial].rates;
    const auto at = rates.find(data_.target().spec.metric);
    return at == rates.end() ? -1.0 : at->second.rate;
  }

  /// From the best target rate down, until one trial is feasible and no untested one ties with it.
  void check_limits() {
    order_.resize(selection_.trials.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      return target_rate(a) > target_rate(b);
    });
    const double base_rate = base_rates_.at(data_.target().spec.metric);
    double best_feasible = -1.0;
    for (const size_t i : order_) {
      const double rate = target_rate(i);
      if (rate <= base_rate || (best_feasible >= 0.0 && rate < best_feasible - kRateTie)) {
        continue;
      }
      check_trial(i);
      if (selection_.trials[i].feasible && best_feasible < 0.0) {
        best_feasible = rate;
      }
    }
  }

  /// Hold sets come first: a trial that fails later keeps them.
  void check_trial(size_t i) {
    CandidateResult& trial = selection_.trials[i];
    trial.why_not.clear();
    for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
      for (const LoadedSet& set : data_.sets) {
        if (set.spec.role == role && trial.why_not.empty()) {
          check_limit(set, i);
        }
      }
      if (role == SetRole::kHold && trial.why_not.empty()) {
        keeps_hold_.push_back(i);
      }
    }
    trial.feasible = trial.why_not.empty();
  }

  void check_limit(const LoadedSet& set, size_t i) {
    CandidateResult& trial = selection_.trials[i];
    const std::string& metric = set.spec.metric;
    const Rate rate =
        measure(set, steering_of(i), "selecting: " + metric + " of trial " + std::to_string(i + 1));
    trial.rates[metric] = rate;
    const double limit = base_rates_.at(metric) - set.spec.max_drop;
    if (rate.rate < limit - kRounding) {
      trial.why_not = metric + " " + percent(rate.rate) + " < " + percent(limit);
    }
  }

  void choose() {
    std::vector<size_t> feasible;
    std::copy_if(order_.begin(), order_.end(), std::back_inserter(feasible), [&](size_t i) {
      return selection_.trials[i].feasible;
    });
    selection_.is_feasible = !feasible.empty();
    const std::vector<size_t>& eligible = selection_.is_feasible ? feasible : keeps_hold_;
    selection_.is_found = !eligible.empty();
    for (const size_t i : eligible) {
      if (i == eligible.front() || is_better(i, selection_.i_best)) {
        selection_.i_best = i;
      }
    }
    if (selection_.is_found && !selection_.is_feasible) {
      selection_.warnings.push_back(
          {"limits_not_kept",
           "no mask keeps all limits on the selection split; of the chosen one: " +
               selection_.trials[selection_.i_best].why_not,
           "look at the candidates in the report; loosen max_drop where you can afford it, or give "
           "more data"});
    }
  }

  [[nodiscard]] bool is_better(size_t a, size_t b) const {
    if (target_rate(a) < target_rate(b) - kRateTie) {
      return false;
    }
    return target_rate(a) > target_rate(b) + kRateTie ||
           selection_.trials[a].perplexity < selection_.trials[b].perplexity;
  }

  Bench& bench_;
  const Dataset& data_;
  const Scenario& scenario_;
  const std::vector<Candidate>& candidates_;
  const RefusalJudge& judge_;
  const CoherenceLimit& coherence_;
  std::vector<std::vector<int32_t>> blocks_;
  std::map<std::string, double> base_rates_;
  double base_perplexity_ = 0.0;
  std::vector<size_t>
      keeps_hold_;  // examined trials within the limits of the hold sets, best target rate first
  std::vector<size_t> order_;
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
  const auto half = static_cast<int64_t>(blocks.size() / 2);
  if (split == Split::kTest) {
    blocks.erase(blocks.begin(), blocks.begin() + half);
  } else {
    blocks.resize(static_cast<size_t>(half));
  }
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
