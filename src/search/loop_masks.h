// Candidate masks made from measurements on the model: the effect map and the closed loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/search_result.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "search/mask_search.h"
#include "search/objectives.h"
#include "search/search_space.h"

namespace mascing {

inline constexpr int64_t kMapItems = 128;    ///< conversations of an exact effect map
inline constexpr int64_t kLayerPairs = 512;  ///< at most: weak layers are to be told from idle ones

struct LoopMasks {
  std::vector<Candidate> candidates;  ///< the methods of the scenario among closed_loop, effect_map
  EffectsResult effects;
  LoopResult loop;                         ///< the steering matrix's, or else the adapter's
  std::optional<LoopResult> adapter_loop;  ///< the adapter's, where both ran
  std::vector<Warning> warnings;           ///< where gradients cannot be exact
  std::vector<std::string> cut_short;      ///< loops that a spent budget ended, in words
};

/// Beside the loop of a steering matrix; in its place if there is none, or it took no step.
void keep_adapter_loop(LoopResult loop, LoopMasks& made);

/// `objectives`: of the discovery split. All answers of the model are cached, so that an
/// interrupted search goes on where it was.
[[nodiscard]] LoopMasks make_loop_masks(const EvalContext& context,
                                        const Objectives& objectives,
                                        const SearchSpace& space,
                                        uint64_t seed);

}  // namespace mascing
