// Tuning asks the cheapest question first, as the choice among masks does: general text, some of
// the target set, all of it, then the limits of hold, keep and benign sets.
#include "run/baselines.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "base/text.h"
#include "measure/label.h"
#include "measure/traces.h"
#include "run/baseline_settings.h"
#include "run/holdout_evaluation.h"
#include "scenario/system_prompt.h"
#include "scenario/text_blocks.h"
#include "search/constraint_check.h"
#include "stage/baselines.h"
#include "stage/perturbation.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

/// How far a setting came on the selection split.
enum class Tier { kTooMuchDamage, kMeasured, kKeepsHold, kFeasible };

struct Trial {
  CandidateResult result;
  Tier tier = Tier::kTooMuchDamage;
};

class Tuner {
 public:
  Tuner(CachedEvaluator& evaluator, const BaselinePlan& plan)
      : evaluator_(evaluator),
        plan_(plan),
        blocks_(text_blocks(evaluator.host(), plan.data, plan.scenario, Split::kSelection)) {
    base_perplexity_ = blocks_.empty() ? 0.0 : evaluator_.text_perplexity(blocks_, {}).value;
    for (const LoadedSet& set : plan_.data.sets) {
      if (set.spec.role != SetRole::kWatch) {
        base_[set.spec.metric] = rate(set, {}, "base", set.rows(Split::kSelection));
      }
    }
  }

  /// The setting with the best target rate of those that keep all limits; failing that, of those
  /// that came furthest. Returns its index.
  size_t tune(const Baseline& baseline, CandidateResult& best_result) {
    best_rate_ = {-1.0, -1.0, -1.0};
    std::set<int64_t> exhausted;
    Trial best;
    size_t i_best = 0;
    for (size_t i = 0; i < baseline.settings.size(); ++i) {
      const BaselineSetting& setting = baseline.settings[i];
      if (exhausted.count(setting.i_series) != 0) {
        continue;
      }
      const std::string what = "tuning " + baseline.method + ", " + setting.words;
      Trial trial = examine(setting, what);
      if (trial.tier == Tier::kTooMuchDamage) {
        exhausted.insert(setting.i_series);
      }
      if (i == 0 || trial.tier > best.tier ||
          (trial.tier == best.tier && target_rate(trial) > target_rate(best))) {
        best = std::move(trial);
        i_best = i;
      }
    }
    best_result = std::move(best.result);
    return i_best;
  }

 private:
  [[nodiscard]] double target_rate(const Trial& trial) const {
    const auto found = trial.result.rates.find(plan_.data.target().spec.metric);
    return found == trial.result.rates.end() ? -1.0 : found->second.rate;
  }

  Rate rate(const LoadedSet& set,
            const BaselineSetting& setting,
            const std::string& what,
            std::vector<Conversation> rows) {
    for (Conversation& row : rows) {
      row = with_system_prompt(std::move(row), setting.system_prompt);
    }
    const auto replies = evaluator_.replies(what, rows, setting.steering);
    const JudgeRules rules = rules_for(set.spec, plan_.judge, plan_.coherence);
    return wanted_rate(replies, judge_replies(rows, replies, rules));
  }

  Trial examine(const BaselineSetting& setting, const std::string& what) {
    Trial trial;
    CandidateResult& result = trial.result;
    result.perplexity =
        blocks_.empty() ? 0.0 : evaluator_.text_perplexity(blocks_, setting.steering).value;
    const double limit = base_perplexity_ * (1.0 + plan_.scenario.search.max_perplexity_rise);
    if (!blocks_.empty() && result.perplexity > limit) {
      result.rejection_reason =
          "perplexity " + format_number(result.perplexity, 1) + " > " + format_number(limit, 1);
      return trial;
    }
    trial.tier = Tier::kMeasured;
    const LoadedSet& target = plan_.data.target();
    std::vector<Conversation> rows = target.rows(Split::kSelection);
    rows.resize(std::min(rows.size(), static_cast<size_t>(kChunk)));
    Rate& reached = result.rates[target.spec.metric];
    reached = rate(target, setting, what, std::move(rows));
    if (reached.high < best_rate_.low) {
      result.rejection_reason = "behind after " + std::to_string(kChunk) + " conversations";
      return trial;
    }
    reached = rate(target, setting, what, target.rows(Split::kSelection));
    if (reached.rate <= best_rate_.rate) {
      result.rejection_reason = "behind the best";
      return trial;
    }
    check_limits(trial, setting, what);
    return trial;
  }

  /// Hold sets come first: a setting that fails later keeps them.
  void check_limits(Trial& trial, const BaselineSetting& setting, const std::string& what) {
    for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
      for (const LoadedSet& set : plan_.data.sets) {
        if (set.spec.role == role && trial.result.rejection_reason.empty()) {
          check_limit(set, trial.result, setting, what);
        }
      }
      if (role == SetRole::kHold && trial.result.rejection_reason.empty()) {
        trial.tier = Tier::kKeepsHold;
      }
    }
    if (trial.result.rejection_reason.empty()) {
      trial.tier = Tier::kFeasible;
      trial.result.feasible = true;
      best_rate_ = trial.result.rates.at(plan_.data.target().spec.metric);
    }
  }

  void check_limit(const LoadedSet& set,
                   CandidateResult& result,
                   const BaselineSetting& setting,
                   const std::string& what) {
    const std::string& metric = set.spec.metric;
    const Rate reached = rate(set, setting, what + ", " + metric, set.rows(Split::kSelection));
    result.rates[metric] = reached;
    const std::string broken = broken_limit(set.spec, base_.at(metric).rate, reached.rate);
    if (!broken.empty()) {
      result.rejection_reason = broken;
    }
  }

  CachedEvaluator& evaluator_;
  const BaselinePlan& plan_;
  std::vector<std::vector<int32_t>> blocks_;
  double base_perplexity_ = 0.0;
  std::map<std::string, Rate> base_;  // by metric
  Rate best_rate_;                    // of the target, over the feasible settings so far
};

/// Replies of the target's test split with their verdicts.
struct Answers {
  std::vector<AskedReply> replies;
  std::vector<JudgedReply> judged;
};

Answers target_answers(CachedEvaluator& evaluator,
                       const BaselinePlan& plan,
                       const BaselineSetting& setting,
                       const std::string& what) {
  const LoadedSet& target = plan.data.target();
  std::vector<Conversation> rows = target.rows(Split::kTest);
  for (Conversation& row : rows) {
    row = with_system_prompt(std::move(row), setting.system_prompt);
  }
  Answers answers{evaluator.replies(what, rows, setting.steering), {}};
  const JudgeRules rules = rules_for(target.spec, plan.judge, plan.coherence);
  answers.judged = judge_replies(rows, answers.replies, rules);
  return answers;
}

/// The final test of one setting, into its candidate.
void test_setting(CachedEvaluator& evaluator,
                  const BaselinePlan& plan,
                  const BaselineSetting& setting,
                  CandidateResult& result) {
  Results scratch;
  (void)evaluate_holdout(evaluator,
                         {plan.data,
                          plan.scenario,
                          plan.judge,
                          plan.coherence,
                          setting.steering,
                          plan.seed,
                          setting.system_prompt},
                         scratch);
  result.metrics = std::move(scratch.metrics);
  result.damage = scratch.damage;
  if (!is_active(plan.chosen)) {
    return;
  }
  const Answers ours = target_answers(evaluator, plan, {"", plan.chosen, "", 0.0, 0, 0}, "testing");
  const Answers theirs = target_answers(evaluator, plan, setting, "testing");
  result.p_versus_chosen =
      compare(ours.replies, ours.judged, theirs.replies, theirs.judged).p_value;
}

void describe(const Baseline& baseline, const BaselineSetting& setting, CandidateResult& result) {
  result.role = "baseline";
  result.method = baseline.method;
  result.setting = setting.words;
  result.lambda = setting.lambda;
  result.seed = setting.seed;
  result.alpha = setting.steering.alpha;
  result.n_active = setting.steering.mask ? setting.steering.mask->n_active() : 0;
}

void correct_for_many(std::vector<CandidateResult>& baselines) {
  std::vector<double> p_values;
  for (const CandidateResult& baseline : baselines) {
    if (baseline.p_versus_chosen) {
      p_values.push_back(*baseline.p_versus_chosen);
    }
  }
  size_t i = 0;
  const std::vector<double> adjusted = holm(p_values);
  for (CandidateResult& baseline : baselines) {
    if (baseline.p_versus_chosen) {
      baseline.p_versus_chosen_holm = adjusted[i++];
    }
  }
}

RandomMasks measure_random_masks(CachedEvaluator& evaluator, const BaselinePlan& plan) {
  const Answers ours = target_answers(evaluator, plan, {"", plan.chosen, "", 0.0, 0, 0}, "testing");
  RandomMasks random;
  random.n_mask = plan.scenario.baselines.n_random_mask;
  random.norm = norm_of(plan.chosen.mask->steer);
  random.alpha = plan.chosen.alpha;
  for (int64_t i = 0; i < random.n_mask; ++i) {
    Mask mask = *plan.chosen.mask;
    mask.steer = random_steer(static_cast<int64_t>(mask.steer.size()),
                              random.norm,
                              mix_seed(plan.seed, static_cast<uint64_t>(i)));
    const Steering steering{std::make_shared<const Mask>(std::move(mask)), plan.chosen.alpha};
    const std::string what =
        "testing: random mask " + std::to_string(i + 1) + "/" + std::to_string(random.n_mask);
    const Answers theirs = target_answers(evaluator, plan, {"", steering, "", 0.0, 0, 0}, what);
    const MetricResult paired = compare(ours.replies, ours.judged, theirs.replies, theirs.judged);
    random.n = paired.n;
    random.rates.push_back(paired.steered->rate);
  }
  const Spread spread = spread_of(random.rates);
  random.mean = spread.mean;
  random.sd = spread.sd;
  random.least = spread.least;
  random.quartile_1 = spread.quartile_1;
  random.median = spread.median;
  random.quartile_3 = spread.quartile_3;
  random.most = spread.most;
  random.p_value = rank_p_value(random.rates, wanted_rate(ours.replies, ours.judged).rate);
  return random;
}

}  // namespace

void measure_baselines(CachedEvaluator& evaluator, const BaselinePlan& plan, Results& results) {
  const HostCounters before = evaluator.host().counters();
  const LoadedSet& target = plan.data.target();
  const Labelled labelled = label_discovery(evaluator, target, plan.judge, plan.coherence);
  std::vector<Skipped> ignored;  // the run's own tracing names them
  const TraceSet traces = collect_traces(evaluator.host(),
                                         {{target.spec.metric, labelled.rows}},
                                         {plan.folder + "/traces"},
                                         ignored,
                                         evaluator.progress());
  Tuner tuner(evaluator, plan);
  std::vector<CandidateResult> measured;
  for (const Baseline& baseline : make_baselines(evaluator, plan, labelled.rows, traces)) {
    CandidateResult& result = measured.emplace_back();
    const BaselineSetting& setting = baseline.settings.at(tuner.tune(baseline, result));
    describe(baseline, setting, result);
    test_setting(evaluator, plan, setting, result);
  }
  correct_for_many(measured);
  results.candidates.insert(results.candidates.end(), measured.begin(), measured.end());
  if (is_active(plan.chosen) && plan.scenario.baselines.n_random_mask > 0) {
    results.random_masks = measure_random_masks(evaluator, plan);
  }
  const HostCounters after = evaluator.host().counters();
  results.n_baseline_prefill_token += after.n_prefill_token - before.n_prefill_token;
  results.n_baseline_generated_token += after.n_generated_token - before.n_generated_token;
}

}  // namespace mascing
