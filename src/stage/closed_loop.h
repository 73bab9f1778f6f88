// Finds a steering matrix by asking the model: random masks +e and -e around the current S, one
// conversation each, give the gradient of every objective by ridge regression; S follows it within
// limits on what else may change. Forward passes only, no surrogate.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "stage/effect_map.h"
#include "stage/outcome.h"

namespace mascing {

/// What a set of the panel is for.
enum class LoopRole {
  kGain,    ///< its conversations should give the wanted reply
  kKeep,    ///< its share of wanted replies may fall by `limit`
  kDamage,  ///< its divergence may be `limit` nats per token
};

struct LoopSet {
  LoopRole role = LoopRole::kGain;
  double limit = 0.0;        ///< > 0 but for kGain
  std::vector<double> base;  ///< unsteered margins of the items; empty for kDamage
};

struct ClosedLoopOptions {
  uint64_t seed = 0;
  int64_t n_map_pair = 256;   ///< paired interventions at S = 0: the effect map
  int64_t n_step = 60;        ///< steps after it
  int64_t n_pair = 128;       ///< paired interventions per step, over all sets
  double perturbation = 0.2;  ///< size of the entries of e, in sigma
  double step = 0.35;         ///< Euclidean length of the first step; falls to a tenth of it
  double memory = 0.7;        ///< weight of the step before in the running regression
  double boost_cap = 2.0;     ///< entries above 0 stay below this
  double l1 = 0.0;            ///< soft threshold per unit of step; double for entries above 0
};

struct LoopStep {
  double norm = 0.0;                ///< |S|
  std::vector<double> value;        ///< per set: smoothed wanted share, or divergence
  std::vector<double> multiplier;   ///< per set: weight of its limit
};

struct ClosedLoopResult {
  std::vector<float> steer;  ///< [L, E]
  EffectMap effects;         ///< on the margin of the kGain set, at S = 0
  std::vector<LoopStep> steps;
  int64_t n_question = 0;
};

/// Answers questions as `measure_outcomes` does.
using AskModel = std::function<std::vector<double>(const std::vector<Question>&)>;

/// `frame`: a mask for the model with sigma rule and sigma filled in; its entries are the entries
/// that the loop starts from (all zero: an unsteered model). Exactly one set has role kGain.
/// Minimises  mean softplus(-m)  over the kGain set, with multipliers on the limits of the others.
[[nodiscard]] ClosedLoopResult close_loop(const Mask& frame,
                                          const std::vector<OutcomeSet>& sets,
                                          const std::vector<LoopSet>& roles,
                                          const AskModel& ask,
                                          const ClosedLoopOptions& options,
                                          const Progress& progress = {});

}  // namespace mascing
