// The effect map gives the closed loop its first step: a short mask in the direction of the
// effects.
#include "search/loop_masks.h"

#include <algorithm>
#include <cmath>

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
  LoopMaker(
      Bench& bench, const Panel& panel, const Scenario& scenario, MaskFrame frame, uint64_t seed)
      : bench_(bench),
        panel_(panel),
        scenario_(scenario),
        seed_(seed),
        frame_(std::move(frame.mask)),
        difference_(std::move(frame.difference)),
        entries_(std::move(frame.entries)) {}

  LoopMasks make() {
    const AskModel ask = asking(bench_, panel_);
    EffectOptions effect_options;
    effect_options.seed = seed_;
    effect_options.n_max = scenario_.search.n_map_pair;
    effect_options.progress = bench_.progress();
    effect_options.is_spent = [&] { return bench_.budget_spent() >= kMapShare; };
    const EffectMap map = measure_effects(frame_, entries_, panel_.sets, 0, ask, effect_options);
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
    cost_options.is_spent = [&] { return bench_.budget_spent() >= kCostShare; };
    cost_options.progress = bench_.progress();
    ClosedLoopOptions options;
    options.seed = seed_;
    options.n_step = scenario_.search.n_loop_step;
    options.n_pair = scenario_.search.n_loop_pair;
    options.unit = steps_of_equal_cost(
        measure_entry_costs(frame_, entries_, panel_.sets, panel_.roles, ask, cost_options));
    options.is_spent = [&] { return bench_.budget_spent() >= kMaskShare; };
    options.progress = bench_.progress();
    ClosedLoopResult result = close_loop(start, entries_, panel_.sets, panel_.roles, ask, options);
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
    const EffectMap map = measure_layer_effects(frame_, directions, panel_.sets, 0, ask, options);
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
    for (size_t i = 0; i < panel_.sets.size(); ++i) {
      if (panel_.roles[i].role != LoopRole::kGain) {
        made_.loop.limits[panel_.sets[i].name] = panel_.roles[i].limit;
      }
    }
    for (const LoopStep& step : result.steps) {
      LoopStepResult kept;
      kept.norm = step.norm;
      for (size_t i = 0; i < step.value.size(); ++i) {
        kept.values[panel_.sets[i].name] = step.value[i];
      }
      made_.loop.steps.push_back(std::move(kept));
    }
  }

  Bench& bench_;
  const Panel& panel_;
  const Scenario& scenario_;
  uint64_t seed_;
  Mask frame_;
  std::vector<float> difference_;  ///< [L, E] of routing, towards the wanted outcome
  FreeEntries entries_;
  LoopMasks made_;
};

}  // namespace

LoopMasks make_loop_masks(Bench& bench,
                          const Panel& panel,
                          const Scenario& scenario,
                          const MaskFrame& frame,
                          uint64_t seed) {
  return LoopMaker(bench, panel, scenario, frame, seed).make();
}

}  // namespace mascing
