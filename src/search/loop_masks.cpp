// The closed loop starts from a small mask in the direction of the effect map.
#include "search/loop_masks.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/numeric.h"
#include "mascing/error.h"
#include "measure/budget_shares.h"
#include "search/margin_check.h"
#include "search/refresh_openings.h"
#include "stage/budget_spent.h"
#include "stage/closed_loop.h"
#include "stage/effect_map.h"
#include "stage/entry_costs.h"
#include "stage/exact_effects.h"
#include "stage/path_attribution.h"

namespace mascing {
namespace {

constexpr double kFirstNorm = 1.0;    // of the mask that the loop starts from
constexpr double kExactStep = 0.6;    // first step on exact gradients: they are worth a longer one
constexpr int64_t kMapItems = 128;    // conversations of an exact effect map
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

/// What a loop starts from: effects, free entries, and how gradients are measured.
struct LoopStart {
  SearchSpace space;
  EffectMap entries;
  EffectMap layers;
  bool is_exact = false;
};

/// Effects of entries, zero where an entry is not free.
EffectsResult entry_effects(const LoopStart& start) {
  const auto& [space, map, layers, is_exact] = start;
  EffectsResult effects;
  (is_exact ? effects.n_conversation : effects.n_pair) = map.n;
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
Mask mask_along(const LoopStart& start, double norm) {
  const std::vector<double>& effect = start.entries.effect;
  const double length =
      std::sqrt(std::inner_product(effect.begin(), effect.end(), effect.begin(), 0.0));
  Mask mask = start.space.mask;
  for (size_t j = 0; length > 0.0 && j < effect.size(); ++j) {
    mask.steer[start.space.entries[j]] = to_float(norm / length * effect[j]);
  }
  return mask;
}

AskGradientsOf asking_gradients(CachedEvaluator& evaluator, const std::string& what) {
  return [&evaluator, what](const std::vector<OutcomeSet>& sets,
                            const std::vector<Question>& questions) {
    return evaluator.gradients(what, sets, key_of(sets), questions);
  };
}

/// By derivatives of up to `kMapItems` conversations; no effects where the model has none.
LoopStart start_exactly(const EvalContext& context,
                        const Objectives& objectives,
                        const SearchSpace& space,
                        const std::vector<float>& directions,
                        uint64_t seed,
                        std::string& failure) {
  LoopStart start = {space, {}, {}, true};
  start.space.entries = all_entries(space.mask);
  EffectOptions options;
  options.n_max = kMapItems;
  options.perturbation = kLayerPerturbation;
  options.seed = seed;
  const AskGradientsOf ask = asking_gradients(context.evaluator, "effect map");
  ExactEffects effects = measure_exact_effects(
      space.mask,
      directions,
      objectives.sets,
      0,
      [&](const std::vector<Question>& questions) { return ask(objectives.sets, questions); },
      options);
  failure = std::move(effects.failure);
  start.entries = std::move(effects.entries);
  start.layers = std::move(effects.layers);
  return start;
}

LoopStart start_by_pairs(const EvalContext& context,
                         const Objectives& objectives,
                         const SearchSpace& space,
                         const std::vector<float>& directions,
                         uint64_t seed) {
  const AskModel ask = asking(context.evaluator, objectives);
  const EffectOptions options = effect_options(context, seed);
  LoopStart start = {space, {}, {}, false};
  start.entries = measure_effects(space.mask, space.entries, objectives.sets, 0, ask, options);
  start.layers = measure_layers(objectives, space, directions, ask, options);
  return start;
}

/// Throws Error{kHost} if exact gradients are asked for and there are none.
LoopStart start_loop(const EvalContext& context,
                     const Objectives& objectives,
                     const SearchSpace& space,
                     const std::vector<float>& directions,
                     uint64_t seed,
                     std::vector<Warning>& warnings) {
  const GradientSource source = context.scenario.search.gradients;
  const bool must_be_exact = source == GradientSource::kExact;
  std::string why_not = context.evaluator.host().why_no_gradients();
  if (must_be_exact || (source == GradientSource::kAuto && why_not.empty())) {
    LoopStart start = start_exactly(context, objectives, space, directions, seed, why_not);
    if (start.entries.n > 0) {
      return start;
    }
    if (must_be_exact) {
      throw Error(ErrorKind::kHost,
                  "[search] this model has no exact gradients: " + why_not,
                  "use gradients = \"pairs\" or \"auto\" in [search]");
    }
    warnings.push_back(
        {"gradients_by_pairs",
         "this model has no exact gradients (" + why_not +
             "), so they are estimated by random pairs of masks",
         "this takes several times as many prefills; raise --budget if it ends early"});
  }
  return start_by_pairs(context, objectives, space, directions, seed);
}

/// Units of equal cost; all 1 if the budget leaves no room to measure them.
std::vector<double> measure_units(const EvalContext& context,
                                  const Objectives& objectives,
                                  const LoopStart& start,
                                  uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  EntryCostOptions options;
  options.seed = seed;
  options.is_spent = [&] { return evaluator.budget_spent() >= kCostShare; };
  options.progress = evaluator.progress();
  const SearchSpace& space = start.space;
  const BudgetShare share(evaluator, kCostShare);
  try {
    return steps_of_equal_cost(start.is_exact ? measure_entry_costs_exactly(
                                                    space.mask,
                                                    space.entries,
                                                    objectives.sets,
                                                    objectives.roles,
                                                    asking_gradients(evaluator, "costs of experts"),
                                                    options)
                                              : measure_entry_costs(space.mask,
                                                                    space.entries,
                                                                    objectives.sets,
                                                                    objectives.roles,
                                                                    asking(evaluator, objectives),
                                                                    options));
  } catch (const BudgetSpent&) {
    return {};
  }
}

/// The closed loop from `mask` on, in steps that cost alike in every entry.
ClosedLoopResult run_loop(const EvalContext& context,
                          const Objectives& objectives,
                          const LoopStart& start,
                          const Mask& mask,
                          uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  const SearchOptions& search = context.scenario.search;
  Objectives live = objectives;  // its openings may change
  ClosedLoopOptions options;
  options.seed = seed;
  options.n_step = search.n_loop_step;
  options.step = start.is_exact ? kExactStep : options.step;
  options.n_pair = search.n_loop_pair;
  options.n_item = search.n_loop_item;
  options.unit = measure_units(context, objectives, start, seed);
  options.n_refresh = search.n_refresh_step;
  options.refresh = [&](const std::vector<float>& steer) {
    auto refreshed = std::make_shared<Mask>(mask);
    refreshed->steer = steer;
    set_openings(
        refreshed_openings(context_of(context, live), live.target, {std::move(refreshed), 1.0F}),
        live.sets.front());
    live.key = key_of(live.sets);
  };
  options.is_spent = [&] { return evaluator.budget_spent() >= kMaskShare; };
  options.progress = evaluator.progress();
  const BudgetShare share(evaluator, kMaskShare);
  const FreeEntries& entries = start.space.entries;
  if (!start.is_exact) {
    return close_loop(mask, entries, live.sets, live.roles, asking(evaluator, live), options);
  }
  const AskGradients ask = [&](const std::vector<Question>& questions) {
    return evaluator.gradients("", live.sets, live.key, questions);
  };
  return close_loop_exactly(mask, entries, live.sets, live.roles, ask, options);
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

std::vector<std::vector<double>> as_rows(const std::vector<double>& values, int64_t n_expert) {
  std::vector<std::vector<double>> rows;
  for (auto begin = values.begin(); begin != values.end(); begin += n_expert) {
    rows.emplace_back(begin, begin + n_expert);
  }
  return rows;
}

/// Which of the mask's entries change the target's margin; nothing once the budget is spent.
AttributionResult attribute(const EvalContext& context,
                            const Objectives& objectives,
                            const Mask& mask) {
  AttributionResult result;
  if (context.evaluator.budget_spent() >= kMaskShare) {
    return result;
  }
  const AskGradientsOf ask = asking_gradients(context.evaluator, "attribution");
  const BudgetShare share(context.evaluator, kMaskShare);
  PathAttribution path;
  try {
    path = attribute_change(mask, objectives.sets, 0, [&](const std::vector<Question>& questions) {
      return ask(objectives.sets, questions);
    });
  } catch (const BudgetSpent&) {
    return result;
  }
  result.n_conversation = path.n;
  result.change = path.change;
  result.attributed = std::accumulate(path.part.begin(), path.part.end(), 0.0);
  result.part = as_rows(path.part, mask.n_expert);
  result.standard_error = as_rows(path.standard_error, mask.n_expert);
  return result;
}

}  // namespace

LoopMasks make_loop_masks(const EvalContext& context,
                          const Objectives& objectives,
                          const SearchSpace& space,
                          uint64_t seed) {
  const Scenario& scenario = context.scenario;
  const std::vector<float> directions = unit_rows(space.difference, space.mask.n_expert);
  LoopMasks made;
  const int64_t n_token_before = context.evaluator.asked().n_prefill;
  const LoopStart start = [&] {
    const BudgetShare share(context.evaluator, context.evaluator.is_slow() ? 1.0 : 0.0);
    return start_loop(context, objectives, space, directions, seed, made.warnings);
  }();
  made.effects = entry_effects(start);
  add_layer_effects(start.layers, directions, space.mask.n_expert, made.effects);
  made.effects.n_layer_pair = start.is_exact ? 0 : start.layers.n;
  if (scenario.uses(MaskMethod::kEffectMap)) {
    Mask mask = mask_along(start, scenario.search.mean_difference_norm);
    made.candidates.push_back(candidate_of(std::move(mask), MaskMethod::kEffectMap));
  }
  if (scenario.uses(MaskMethod::kClosedLoop)) {
    Mask mask = mask_along(start, kFirstNorm);
    ClosedLoopResult closed = run_loop(context, objectives, start, mask, seed);
    made.loop = summarise(closed, objectives);
    made.loop.gradients = start.is_exact ? "exact" : "pairs";
    mask.steer = std::move(closed.steer);
    if (start.is_exact) {
      made.loop.attribution = attribute(context, objectives, mask);
    }
    made.loop.n_token = context.evaluator.asked().n_prefill - n_token_before;
    made.candidates.push_back(candidate_of(std::move(mask), MaskMethod::kClosedLoop));
  }
  return made;
}

}  // namespace mascing
