// Which experts cause a behaviour, from the derivative of every conversation's margin: the exact
// counterpart of the map in stage/effect_map.h, at no cost per entry.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stage/effect_map.h"
#include "stage/outcome_gradient.h"

namespace mascing {

/// Effects of all entries and of whole layers on one outcome.
struct ExactEffects {
  EffectMap entries;    ///< [L, E]
  EffectMap layers;     ///< [L] per unit of length along the layer's own direction
  std::string failure;  ///< why a conversation has no derivative; empty if all have one
};

/// The mean over up to `options.n_max` conversations of set `i_set` of d margin / d S on the
/// unsteered model, in nats per sigma, with standard errors over conversations. A layer's effect is
/// the derivative along its row of `directions` [L, E] (norm 1 or 0), the mean over 2 `n_max`
/// points that lie evenly within options.perturbation * sqrt(E) to both sides in every layer: the
/// mean slope over the reach of the map by pairs. `n` is the number of conversations that have a
/// derivative; both maps are empty if fewer than 3 have one. Swaps of experts count as
/// `SwapOptions` says. `base` as in close_loop, all zero.
[[nodiscard]] ExactEffects measure_exact_effects(const Mask& base,
                                                 const std::vector<float>& directions,
                                                 const std::vector<OutcomeSet>& sets,
                                                 int64_t i_set,
                                                 const AskGradients& ask,
                                                 const EffectOptions& options);

}  // namespace mascing
