// The closed loop starts from a small mask in the direction of the effect map.
#include "search/loop_masks.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/append.h"
#include "base/numeric.h"
#include "mascing/error.h"
#include "measure/budget_shares.h"
#include "measure/limit_coverage.h"
#include "search/adapter_space.h"
#include "search/loop_run.h"
#include "search/margin_check.h"
#include "stage/adapter_directions.h"
#include "stage/budget_spent.h"
#include "stage/closed_loop.h"
#include "stage/effect_map.h"
#include "stage/exact_effects.h"

namespace mascing {
namespace {

constexpr const char* kLooked = "+look";  // a mask that a look at replies found better
constexpr double kFirstNorm = 1.0;        // of the mask that the loop starts from
constexpr int64_t kTriedItems = 4;        // conversations that tell whether there are gradients
constexpr int64_t kLayerRound = 64;  // pairs that move whole layers, between checks of the budget
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
  try {
    start.layers = measure_layers(objectives, space, directions, ask, options);
  } catch (const BudgetSpent&) {  // the loop starts from the entries all the same
  }
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

void note_cut(const LoopRun& run,
              const std::string& name,
              const Scenario& scenario,
              LoopMasks& made) {
  if (run.is_cut) {
    made.cut_short.push_back(name + " ran " + std::to_string(run.summary.steps.size()) + " of " +
                             std::to_string(scenario.search.n_loop_step) + " steps");
  }
}

/// Adds the effect map, and what the methods of the scenario make of it.
void add_steering_matrices(const EvalContext& context,
                           const Objectives& objectives,
                           const SearchSpace& space,
                           uint64_t seed,
                           LoopMasks& made) {
  const Scenario& scenario = context.scenario;
  const std::vector<float> directions = unit_rows(space.difference, space.mask.n_expert);
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
    LoopRun run = run_loop(
        context, objectives, {start.space.mask, mask, start.space.entries, start.is_exact}, seed);
    note_cut(run, "the closed loop", scenario, made);
    made.loop = std::move(run.summary);
    made.loop.method = to_string(MaskMethod::kClosedLoop);
    made.loop.n_token = context.evaluator.asked().n_prefill - n_token_before;
    made.candidates.push_back(candidate_of(std::move(run.mask), MaskMethod::kClosedLoop));
    if (run.looked) {
      made.candidates.push_back(
          candidate_of(std::move(*run.looked), MaskMethod::kClosedLoop, kLooked));
    }
  }
}

Warning inputs_left_out(const LeftOut& left_out) {
  return {"inputs_left_out",
          "what routers read was learnt without " + left_out.words(),
          "raise --context, or shorten what is too long"};
}

Warning gradients_left_out(const LeftOut& left_out) {
  return {"gradients_left_out",
          "exact gradients leave out " + left_out.words(),
          "raise --context where conversations are too long, --batch where a batch is too small"};
}

void add_coverage(const Dataset& data, const LoopLookResult& look, LimitCoverage& coverage) {
  for (const LoadedSet& set : data.sets) {
    const auto found = look.sets.find(set.spec.metric);
    if (found != look.sets.end()) {
      const SeenReplies& seen = found->second;
      coverage.add(set.spec, seen.n, seen.n + seen.n_left_out);
    }
  }
}

/// Of limits that looks at replies judged.
std::vector<Warning> look_warnings(const Dataset& data, const LoopMasks& made) {
  LimitCoverage coverage;
  for (const LoopLookResult& look : made.loop.looks) {
    add_coverage(data, look, coverage);
  }
  if (made.adapter_loop) {
    for (const LoopLookResult& look : made.adapter_loop->looks) {
      add_coverage(data, look, coverage);
    }
  }
  return coverage.warnings("in looks at replies of the discovery split");
}

/// Empty if the model has exact gradients, as a few questions tell.
std::string why_no_adapter(const EvalContext& context,
                           const Objectives& objectives,
                           const Mask& zero) {
  std::string why = context.evaluator.host().why_no_gradients();
  if (!why.empty()) {
    return why;
  }
  std::vector<Question> questions;
  const Steering at_zero{std::make_shared<const Mask>(zero), 1.0F};
  for (int64_t i = 0; i < std::min(kTriedItems, objectives.sets.front().size()); ++i) {
    questions.push_back({0, i, at_zero});
  }
  for (const OutcomeGradient& answer :
       asking_gradients(context.evaluator, "")(objectives.sets, questions)) {
    if (!answer.d_steer.empty()) {
      return "";
    }
    why = answer.error;
  }
  return why;
}

/// Adds an adapter if the model has exact gradients: random pairs would need too many masks.
void add_adapter(const EvalContext& context,
                 const Objectives& objectives,
                 const SearchSpace& space,
                 uint64_t seed,
                 LoopMasks& made) {
  CachedEvaluator& evaluator = context.evaluator;
  const std::string why_not = why_no_adapter(context, objectives, space.mask);
  if (!why_not.empty()) {
    made.warnings.push_back({"no_adapter",
                             "a router adapter needs exact gradients, and there are none here (" +
                                 why_not + "); the method router_adapter was left out",
                             "add closed_loop to the methods in [search]"});
    return;
  }
  const int64_t n_token_before = evaluator.asked().n_prefill;
  AdapterSpace adapters;
  try {
    adapters = make_adapter_space(evaluator, objectives.sets, space.mask, seed);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kHost && error.kind() != ErrorKind::kInsufficient) {
      throw;
    }
    made.warnings.push_back({"no_adapter",
                             std::string(error.what()) + "; the method router_adapter was left out",
                             error.hint()});
    return;
  }
  if (!adapters.left_out.empty()) {
    made.warnings.push_back(inputs_left_out(adapters.left_out));
  }
  const Mask& zero = adapters.mask;
  LoopRun run = run_loop(context, objectives, {zero, zero, all_entries(zero), true}, seed);
  note_cut(run, "the router adapter's loop", context.scenario, made);
  run.summary.method = to_string(MaskMethod::kRouterAdapter);
  run.summary.n_token = evaluator.asked().n_prefill - n_token_before + adapters.n_token;
  if (run.mask.n_active() > 0) {  // a spent budget may leave none
    made.candidates.push_back(
        candidate_of(with_least_rank(std::move(run.mask)), MaskMethod::kRouterAdapter));
  }
  if (run.looked) {
    made.candidates.push_back(
        candidate_of(with_least_rank(std::move(*run.looked)), MaskMethod::kRouterAdapter, kLooked));
  }
  keep_adapter_loop(std::move(run.summary), made);
}

}  // namespace

void keep_adapter_loop(LoopResult loop, LoopMasks& made) {
  if (made.loop.steps.empty()) {
    made.loop = std::move(loop);
  } else {
    made.adapter_loop = std::move(loop);
  }
}

LoopMasks make_loop_masks(const EvalContext& context,
                          const Objectives& objectives,
                          const SearchSpace& space,
                          uint64_t seed) {
  LoopMasks made;
  const Scenario& scenario = context.scenario;
  if (scenario.uses(MaskMethod::kClosedLoop) || scenario.uses(MaskMethod::kEffectMap)) {
    add_steering_matrices(context, objectives, space, seed, made);
  }
  if (scenario.uses(MaskMethod::kRouterAdapter)) {
    add_adapter(context, objectives, space, seed, made);
  }
  const LeftOut& left_out = context.evaluator.gradients_left_out();
  const bool is_exact = made.effects.n_conversation > 0 || made.loop.gradients == "exact" ||
                        made.adapter_loop.has_value();
  if (is_exact && !left_out.empty()) {  // otherwise another warning says that there are none
    made.warnings.push_back(gradients_left_out(left_out));
  }
  append(look_warnings(context.data, made), made.warnings);
  return made;
}

}  // namespace mascing
