// The tuned setting of each baseline is evaluated as the chosen mask is, and compared with it
// conversation by conversation.
#include "run/baselines.h"

#include <memory>
#include <utility>

#include "base/random.h"
#include "measure/label.h"
#include "measure/traces.h"
#include "run/baseline_settings.h"
#include "run/baseline_tuning.h"
#include "run/holdout_evaluation.h"
#include "stage/baseline_masks.h"
#include "stage/perturbation.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

/// The target's test split under a treatment.
JudgedReplies test_target(const EvalContext& context,
                          const Treatment& treatment,
                          const std::string& what) {
  const LoadedSet& target = context.target();
  return ask_treated(context, target, target.rows(Split::kTest), treatment, what);
}

MetricResult compare_sides(const JudgedReplies& ours, const JudgedReplies& theirs) {
  return compare(ours.replies, ours.judged, theirs.replies, theirs.judged);
}

CandidateResult describe(const Baseline& baseline, const TunedBaseline& tuned) {
  const BaselineSetting& setting = baseline.settings.at(tuned.i_setting);
  const Steering& steering = setting.treatment.steering;
  CandidateResult result = tuned.result;
  result.role = "baseline";
  result.method = baseline.method;
  result.setting = setting.words;
  result.lambda = setting.lambda;
  result.seed = setting.seed;
  result.alpha = steering.alpha;
  result.n_active = steering.mask ? steering.mask->n_active() : 0;
  return result;
}

/// A baseline tuned on the selection split and evaluated on the test split.
CandidateResult measure_baseline(const EvalContext& context,
                                 const ConstraintChecker& constraints,
                                 const Baseline& baseline,
                                 const Steering& chosen,
                                 uint64_t seed) {
  const TunedBaseline tuned = tune_baseline(constraints, baseline);
  const Treatment& treatment = baseline.settings.at(tuned.i_setting).treatment;
  HoldoutResult holdout = evaluate_holdout(context, treatment, {seed});
  CandidateResult result = describe(baseline, tuned);
  result.metrics = std::move(holdout.metrics);
  result.damage = holdout.damage;
  if (is_active(chosen)) {
    const JudgedReplies ours = test_target(context, {chosen}, "testing");
    const JudgedReplies theirs = test_target(context, treatment, "testing");
    result.p_versus_chosen = compare_sides(ours, theirs).p_value;
    result.topics_versus_chosen = compare_over_topics(context.target().rows(Split::kTest),
                                                      theirs.replies,
                                                      theirs.judged,
                                                      ours.replies,
                                                      ours.judged);
  }
  return result;
}

void correct_for_many(std::vector<CandidateResult>& baselines) {
  HolmFamily over_conversations;
  HolmFamily over_topics;
  for (CandidateResult& baseline : baselines) {
    if (baseline.p_versus_chosen) {
      over_conversations.add(*baseline.p_versus_chosen, baseline.p_versus_chosen_holm);
    }
    if (baseline.topics_versus_chosen) {
      over_topics.add(baseline.topics_versus_chosen->p_value,
                      baseline.topics_versus_chosen->p_holm);
    }
  }
  over_conversations.adjust();
  over_topics.adjust();
}

/// A mask like the chosen one, of the same norm in a random direction.
Steering random_like(const Steering& chosen, double norm, uint64_t seed) {
  Mask mask = *chosen.mask;
  mask.steer = random_steer(std::ssize(mask.steer), norm, seed);
  mask.parts.clear();
  mask.adapter = {};
  return {std::make_shared<const Mask>(std::move(mask)), chosen.alpha};
}

RandomMasks measure_random_masks(const EvalContext& context,
                                 const Steering& chosen,
                                 uint64_t seed) {
  const JudgedReplies ours = test_target(context, {chosen}, "testing");
  RandomMasks random;
  random.n_mask = context.scenario.baselines.n_random_mask;
  random.norm = norm_of(chosen.mask->total());
  random.alpha = chosen.alpha;
  for (int64_t i = 0; i < random.n_mask; ++i) {
    const Steering steering = random_like(chosen, random.norm, mix_seed(seed, i));
    const std::string what =
        "testing: random mask " + std::to_string(i + 1) + "/" + std::to_string(random.n_mask);
    const MetricResult paired = compare_sides(ours, test_target(context, {steering}, what));
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
  random.p_value = rank_p_value(random.rates, ours.rate().rate);
  return random;
}

}  // namespace

BaselinesResult measure_baselines(const EvalContext& context,
                                  const Steering& chosen,
                                  const BuildOptions& options,
                                  const std::string& traces_context) {
  CachedEvaluator& evaluator = context.evaluator;
  const HostCounters before = evaluator.host().counters();
  const Labelled labelled = label_discovery(context, context.target());
  const std::string& metric = context.target().spec.metric;
  // What cannot be traced is named by the run's own tracing.
  const Traced traced = collect_traces(evaluator.host(),
                                       {{metric, labelled.rows}},
                                       {options.folder + "/traces", {}, {}, traces_context},
                                       evaluator.progress());
  const ConstraintChecker constraints(context);
  BaselinesResult result;
  for (const Baseline& baseline : make_baselines(context, labelled.rows, traced.traces, options)) {
    result.candidates.push_back(
        measure_baseline(context, constraints, baseline, chosen, options.seed));
  }
  correct_for_many(result.candidates);
  if (is_active(chosen) && context.scenario.baselines.n_random_mask > 0) {
    result.random_masks = measure_random_masks(context, chosen, options.seed);
  }
  const HostCounters after = evaluator.host().counters();
  result.tokens = {after.n_prefill_token - before.n_prefill_token,
                   after.n_generated_token - before.n_generated_token};
  return result;
}

}  // namespace mascing
