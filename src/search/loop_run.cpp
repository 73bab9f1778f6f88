// Units of equal cost, the loop itself, and the attribution of what it changed.
#include "search/loop_run.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "measure/budget_shares.h"
#include "search/look_at_replies.h"
#include "search/margin_check.h"
#include "stage/budget_spent.h"
#include "stage/closed_loop.h"
#include "stage/path_attribution.h"

namespace mascing {
namespace {

constexpr double kAdapterShrink = 0.0075;  // soft threshold of adapters, per length of a step: less
                                           // is paid for by wordings that no set has
constexpr int64_t kAdapterLook = 10;       // steps: adapters find ways to reply that no opening has
constexpr double kExactStep = 0.6;  // first step on exact gradients: they are worth a longer one

/// Units of equal cost; all 1 if the budget leaves no room to measure them.
std::vector<double> measure_units(const EvalContext& context,
                                  const Objectives& objectives,
                                  const LoopTask& task,
                                  uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  EntryCostOptions options;
  options.seed = seed;
  options.is_spent = [&] { return evaluator.budget_spent() >= kCostShare; };
  options.progress = evaluator.progress();
  const BudgetShare share(evaluator, kCostShare);
  try {
    return steps_of_equal_cost(
        task.is_exact ? measure_entry_costs_exactly(task.zero,
                                                    task.entries,
                                                    objectives.sets,
                                                    objectives.roles,
                                                    asking_gradients(evaluator, "costs of experts"),
                                                    options)
                      : measure_entry_costs(task.zero,
                                            task.entries,
                                            objectives.sets,
                                            objectives.roles,
                                            asking(evaluator, objectives),
                                            options));
  } catch (const BudgetSpent&) {
    return {};
  }
}

/// The closed loop from `mask` on, in steps that cost alike in every entry.
ClosedLoopResult close_loop_of(const EvalContext& context,
                               const Objectives& objectives,
                               const LoopTask& task,
                               uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  const SearchOptions& search = context.scenario.search;
  Objectives live = objectives;  // its openings may change
  ClosedLoopOptions options;
  options.seed = seed;
  options.n_step = search.n_loop_step;
  options.step = task.is_exact ? kExactStep : options.step;
  options.n_pair = search.n_loop_pair;
  options.n_item = search.n_loop_item;
  options.unit = measure_units(context, objectives, task, seed);
  if (task.first.has_adapter()) {
    options.l1 = kAdapterShrink;
    options.boost_cap = std::numeric_limits<double>::infinity();
  }
  options.n_look = steps_between_looks(search, task.first.has_adapter());
  options.look = [&](const std::vector<float>& values) {
    auto so_far = std::make_shared<Mask>(task.first);
    so_far->values() = values;
    return look_at_replies(context_of(context, live), {std::move(so_far), 1.0F}, live);
  };
  options.is_spent = [&] { return evaluator.budget_spent() >= kMaskShare; };
  options.progress = evaluator.progress();
  const BudgetShare share(evaluator, kMaskShare);
  if (!task.is_exact) {
    return close_loop(
        task.first, task.entries, live.sets, live.roles, asking(evaluator, live), options);
  }
  const AskGradients ask = [&](const std::vector<Question>& questions) {
    return evaluator.gradients("", live.sets, live.key, questions);
  };
  return close_loop_exactly(task.first, task.entries, live.sets, live.roles, ask, options);
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
  loop.looks = result.looks;
  for (const LoopStep& step : result.steps) {
    LoopStepResult& summary = loop.steps.emplace_back();
    summary.norm = step.norm;
    for (size_t i = 0; i < step.value.size(); ++i) {
      summary.values[objectives.sets[i].name] = step.value[i];
    }
  }
  return loop;
}

/// Rows of [L, E].
std::vector<std::vector<double>> by_layer(const Mask& mask, const std::vector<double>& values) {
  std::vector<std::vector<double>> rows;
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const auto first = values.begin() + l * mask.n_expert;
    rows.emplace_back(first, first + mask.n_expert);
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
  if (path.n > 0) {
    result.part = by_layer(mask, path.part);
    result.standard_error = by_layer(mask, path.standard_error);
  }
  return result;
}

}  // namespace

AskGradientsOf asking_gradients(CachedEvaluator& evaluator, const std::string& what) {
  return [&evaluator, what](const std::vector<OutcomeSet>& sets,
                            const std::vector<Question>& questions) {
    return evaluator.gradients(what, sets, key_of(sets), questions);
  };
}

int64_t steps_between_looks(const SearchOptions& search, bool has_adapter) {
  const int64_t usual = has_adapter ? kAdapterLook : 0;
  return search.n_refresh_step < 0 ? usual : search.n_refresh_step;
}

LoopRun run_loop(const EvalContext& context,
                 const Objectives& objectives,
                 const LoopTask& task,
                 uint64_t seed) {
  ClosedLoopResult closed = close_loop_of(context, objectives, task, seed);
  LoopRun run = {task.first, {}, summarise(closed, objectives), closed.is_cut};
  run.summary.gradients = task.is_exact ? "exact" : "pairs";
  run.mask.values() = std::move(closed.steer);
  if (!closed.looked.empty()) {
    run.looked.emplace(task.first).values() = std::move(closed.looked);
  }
  if (task.is_exact) {
    run.summary.attribution = attribute(context, objectives, run.mask);
  }
  return run;
}

}  // namespace mascing
