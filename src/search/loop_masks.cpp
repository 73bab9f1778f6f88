// The closed loop starts from a small mask in the direction of the effect map.
#include "search/loop_masks.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/numeric.h"
#include "measure/budget_shares.h"
#include "search/margin_check.h"
#include "search/refresh_openings.h"
#include "stage/closed_loop.h"
#include "stage/effect_map.h"
#include "stage/entry_costs.h"

namespace mascing {
namespace {

constexpr double kFirstNorm = 1.0;    // of the mask that the loop starts from
constexpr int64_t kLayerRound = 64;   // pairs that move whole layers, between checks of the budget
constexpr int64_t kLayerPairs = 512;  // all of them: weak layers are to be told from idle ones
constexpr double kLayerPerturbation = 0.8;  // in sigma: far enough for experts to enter the top-k

EffectOptions effect_options(const EvalContext& context, uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  EffectOptions options;
  options.seed = seed;
  options.n_max = context.scenario.search.n_map_pair;
  options.progress = evaluator.progress();
  options.is_spent = [&evaluator] { return evaluator.budget_spent() >= kMapShare; };
  return options;
}

/// Which layers' differences of routing cause the outcome.
EffectMap measure_layers(const Objectives& objectives,
                         const SearchSpace& space,
                         const std::vector<float>& directions,
                         const AskModel& ask,
                         EffectOptions options) {
  options.what = "effects of layers";
  options.n_round = kLayerRound;
  options.n_max = std::min(kLayerPairs, options.n_max);
  options.reliability = 1.0;
  options.perturbation = kLayerPerturbation;
  return measure_layer_effects(space.mask, directions, objectives.sets, 0, ask, options);
}

/// Effects of entries, zero where an entry is not free.
EffectsResult entry_effects(const EffectMap& map, const SearchSpace& space) {
  EffectsResult effects;
  effects.n_pair = map.n;
  effects.r2 = map.r2;
  effects.reliability = map.reliability();
  effects.n_significant = map.n_significant();
  const size_t n = space.mask.steer.size();
  effects.effect.assign(n, 0.0F);
  effects.standard_error.assign(n, 0.0F);
  effects.q_value.assign(n, 1.0F);
  for (size_t j = 0; j < space.entries.size(); ++j) {
    effects.effect[space.entries[j]] = to_float(map.effect[j]);
    effects.standard_error[space.entries[j]] = to_float(map.standard_error[j]);
    effects.q_value[space.entries[j]] = to_float(map.q_value[j]);
  }
  return effects;
}

/// Adds the effects of layers, and which experts carry them.
void add_layer_effects(const EffectMap& map,
                       const std::vector<float>& directions,
                       int64_t n_expert,
                       EffectsResult& effects) {
  effects.n_layer_pair = map.n;
  effects.layer_effect = map.effect;
  effects.layer_standard_error = map.standard_error;
  effects.layer_q_value = map.q_value;
  for (int64_t i = 0; i < std::ssize(map.effect); ++i) {
    auto& row = effects.carried.emplace_back();
    for (int64_t k = 0; k < n_expert; ++k) {
      const double part = directions[i * n_expert + k];
      row.push_back(map.effect[i] * part);
    }
  }
}

/// A mask of the given norm in the direction of the effects.
Mask mask_along(const EffectMap& map, const SearchSpace& space, double norm) {
  double square = 0.0;
  for (const double effect : map.effect) {
    square += effect * effect;
  }
  const double scale = square > 0.0 ? norm / std::sqrt(square) : 0.0;
  Mask mask = space.mask;
  for (size_t j = 0; j < space.entries.size(); ++j) {
    mask.steer[space.entries[j]] = to_float(scale * map.effect[j]);
  }
  return mask;
}

/// The closed loop from `start` on, in steps that cost alike in every entry.
ClosedLoopResult run_loop(const EvalContext& context,
                          const Objectives& objectives,
                          const SearchSpace& space,
                          const Mask& start,
                          uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  Objectives live = objectives;  // its openings may change
  const AskModel ask = asking(evaluator, live);
  EntryCostOptions cost_options;
  cost_options.seed = seed;
  cost_options.is_spent = [&] { return evaluator.budget_spent() >= kCostShare; };
  cost_options.progress = evaluator.progress();
  ClosedLoopOptions options;
  options.seed = seed;
  options.n_step = context.scenario.search.n_loop_step;
  options.n_pair = context.scenario.search.n_loop_pair;
  options.unit = steps_of_equal_cost(
      measure_entry_costs(space.mask, space.entries, live.sets, live.roles, ask, cost_options));
  options.n_refresh = context.scenario.search.n_refresh_step;
  options.refresh = [&](const std::vector<float>& steer) {
    auto mask = std::make_shared<Mask>(start);
    mask->steer = steer;
    set_openings(refreshed_openings(context, live.target, {std::move(mask), 1.0F}),
                 live.sets.front());
    live.key = key_of(live.sets);
  };
  options.is_spent = [&] { return evaluator.budget_spent() >= kMaskShare; };
  options.progress = evaluator.progress();
  return close_loop(start, space.entries, live.sets, live.roles, ask, options);
}

LoopResult summarise(const ClosedLoopResult& result, const Objectives& objectives) {
  LoopResult loop;
  loop.n_question = result.n_question;
  loop.i_best = result.i_best;
  loop.n_stretch = result.n_stretch;
  for (size_t i = 0; i < objectives.sets.size(); ++i) {
    if (objectives.roles[i].role != LoopRole::kGain) {
      loop.limits[objectives.sets[i].name] = objectives.roles[i].limit;
    }
  }
  for (const LoopStep& step : result.steps) {
    LoopStepResult& summary = loop.steps.emplace_back();
    summary.norm = step.norm;
    for (size_t i = 0; i < step.value.size(); ++i) {
      summary.values[objectives.sets[i].name] = step.value[i];
    }
  }
  return loop;
}

}  // namespace

LoopMasks make_loop_masks(const EvalContext& context,
                          const Objectives& objectives,
                          const SearchSpace& space,
                          uint64_t seed) {
  const Scenario& scenario = context.scenario;
  const AskModel ask = asking(context.evaluator, objectives);
  const EffectOptions options = effect_options(context, seed);
  const EffectMap map =
      measure_effects(space.mask, space.entries, objectives.sets, 0, ask, options);
  const std::vector<float> directions = unit_rows(space.difference, space.mask.n_expert);
  const EffectMap layers = measure_layers(objectives, space, directions, ask, options);
  LoopMasks made;
  made.effects = entry_effects(map, space);
  add_layer_effects(layers, directions, space.mask.n_expert, made.effects);
  if (scenario.uses(MaskMethod::kEffectMap)) {
    Mask mask = mask_along(map, space, scenario.search.mean_difference_norm);
    made.candidates.push_back(candidate_of(std::move(mask), MaskMethod::kEffectMap));
  }
  if (scenario.uses(MaskMethod::kClosedLoop)) {
    Mask mask = mask_along(map, space, kFirstNorm);
    ClosedLoopResult closed = run_loop(context, objectives, space, mask, seed);
    made.loop = summarise(closed, objectives);
    mask.steer = std::move(closed.steer);
    made.candidates.push_back(candidate_of(std::move(mask), MaskMethod::kClosedLoop));
  }
  return made;
}

}  // namespace mascing
