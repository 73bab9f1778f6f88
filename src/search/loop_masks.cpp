// The effect map gives the closed loop its first step: a short mask in the direction of the
// effects.
#include "search/loop_masks.h"

#include <algorithm>
#include <cmath>

#include "measure/budget_shares.h"
#include "stage/closed_loop.h"
#include "stage/effect_map.h"
#include "stage/entry_costs.h"

namespace mascing {
namespace {

constexpr double kFirstNorm = 1.0;    // of the mask that the loop starts from
constexpr int64_t kLayerRound = 64;   // pairs that move whole layers, between looks at the budget
constexpr int64_t kLayerPairs = 512;  // all of them: weak layers are to be told from idle ones
constexpr double kLayerPerturbation = 0.8;  // in sigma: far enough for experts to enter the top-k

class LoopMaker {
 public:
  LoopMaker(CachedEvaluator& evaluator,
            const Objectives& objectives,
            const Scenario& scenario,
            SearchSpace space,
            uint64_t seed)
      : evaluator_(evaluator),
        objectives_(objectives),
        scenario_(scenario),
        seed_(seed),
        frame_(std::move(space.mask)),
        difference_(std::move(space.difference)),
        entries_(std::move(space.entries)) {}

  LoopMasks make() {
    const AskModel ask = asking(evaluator_, objectives_);
    EffectOptions effect_options;
    effect_options.seed = seed_;
    effect_options.n_max = scenario_.search.n_map_pair;
    effect_options.progress = evaluator_.progress();
    effect_options.is_spent = [&] { return evaluator_.budget_spent() >= kMapShare; };
    const EffectMap map =
        measure_effects(frame_, entries_, objectives_.sets, 0, ask, effect_options);
    keep_effects(map);
    move_layers(ask, effect_options);
    if (scenario_.uses(MaskMethod::kEffectMap)) {
      Mask mask = along(map, scenario_.search.mean_difference_norm);
      made_.candidates.push_back(candidate_of(std::move(mask), MaskMethod::kEffectMap));
    }
    if (scenario_.uses(MaskMethod::kClosedLoop)) {
      close(ask, along(map, kFirstNorm));
    }
    return std::move(made_);
  }

 private:
  /// The closed loop from `start` on, in steps that cost alike in every entry.
  void close(const AskModel& ask, Mask start) {
    EntryCostOptions cost_options;
    cost_options.seed = seed_;
    cost_options.is_spent = [&] { return evaluator_.budget_spent() >= kCostShare; };
    cost_options.progress = evaluator_.progress();
    ClosedLoopOptions options;
    options.seed = seed_;
    options.n_step = scenario_.search.n_loop_step;
    options.n_pair = scenario_.search.n_loop_pair;
    options.unit = steps_of_equal_cost(measure_entry_costs(
        frame_, entries_, objectives_.sets, objectives_.roles, ask, cost_options));
    options.is_spent = [&] { return evaluator_.budget_spent() >= kMaskShare; };
    options.progress = evaluator_.progress();
    ClosedLoopResult result =
        close_loop(start, entries_, objectives_.sets, objectives_.roles, ask, options);
    keep_steps(result);
    start.steer = std::move(result.steer);
    made_.candidates.push_back(candidate_of(std::move(start), MaskMethod::kClosedLoop));
  }

  /// Which layers' differences of routing cause the outcome, and which experts carry them.
  void move_layers(const AskModel& ask, EffectOptions options) {
    options.what = "effects of layers";
    options.n_round = kLayerRound;
    options.n_max = std::min(kLayerPairs, options.n_max);
    options.reliability = 1.0;
    options.perturbation = kLayerPerturbation;
    const std::vector<float> directions = unit_rows(difference_, frame_.n_expert);
    const EffectMap map =
        measure_layer_effects(frame_, directions, objectives_.sets, 0, ask, options);
    EffectsResult& effects = made_.effects;
    effects.n_layer_pair = map.n;
    effects.layer_effect = map.effect;
    effects.layer_standard_error = map.standard_error;
    effects.layer_q_value = map.q_value;
    for (int64_t i = 0; i < frame_.n_layer; ++i) {
      auto& row = effects.carried.emplace_back();
      for (int64_t k = 0; k < frame_.n_expert; ++k) {
        const auto part = static_cast<double>(directions[i * frame_.n_expert + k]);
        row.push_back(map.effect[i] * part);
      }
    }
  }

  /// A mask of the given norm in the direction of the effects.
  [[nodiscard]] Mask along(const EffectMap& map, double norm) const {
    double square = 0.0;
    for (const double effect : map.effect) {
      square += effect * effect;
    }
    Mask mask = frame_;
    const double scale = square > 0.0 ? norm / std::sqrt(square) : 0.0;
    for (size_t j = 0; j < entries_.size(); ++j) {
      mask.steer[entries_[j]] = static_cast<float>(scale * map.effect[j]);
    }
    return mask;
  }

  void keep_effects(const EffectMap& map) {
    EffectsResult& effects = made_.effects;
    effects.n_pair = map.n;
    effects.r2 = map.r2;
    effects.reliability = map.reliability();
    effects.n_significant = map.n_significant();
    const size_t n = frame_.steer.size();
    effects.effect.assign(n, 0.0F);
    effects.standard_error.assign(n, 0.0F);
    effects.q_value.assign(n, 1.0F);
    for (size_t j = 0; j < entries_.size(); ++j) {
      effects.effect[entries_[j]] = static_cast<float>(map.effect[j]);
      effects.standard_error[entries_[j]] = static_cast<float>(map.standard_error[j]);
      effects.q_value[entries_[j]] = static_cast<float>(map.q_value[j]);
    }
  }

  void keep_steps(const ClosedLoopResult& result) {
    made_.loop.n_question = result.n_question;
    made_.loop.i_best = result.i_best;
    made_.loop.n_stretch = result.n_stretch;
    for (size_t i = 0; i < objectives_.sets.size(); ++i) {
      if (objectives_.roles[i].role != LoopRole::kGain) {
        made_.loop.limits[objectives_.sets[i].name] = objectives_.roles[i].limit;
      }
    }
    for (const LoopStep& step : result.steps) {
      LoopStepResult kept;
      kept.norm = step.norm;
      for (size_t i = 0; i < step.value.size(); ++i) {
        kept.values[objectives_.sets[i].name] = step.value[i];
      }
      made_.loop.steps.push_back(std::move(kept));
    }
  }

  CachedEvaluator& evaluator_;
  const Objectives& objectives_;
  const Scenario& scenario_;
  uint64_t seed_;
  Mask frame_;
  std::vector<float> difference_;  ///< [L, E] of routing, towards the wanted outcome
  FreeEntries entries_;
  LoopMasks made_;
};

}  // namespace

LoopMasks make_loop_masks(CachedEvaluator& evaluator,
                          const Objectives& objectives,
                          const Scenario& scenario,
                          const SearchSpace& space,
                          uint64_t seed) {
  return LoopMaker(evaluator, objectives, scenario, space, seed).make();
}

}  // namespace mascing
