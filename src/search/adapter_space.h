// Search space of router adapters: what routers read, scaled so that all of it weighs alike.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/mask.h"
#include "mascing/model_info.h"
#include "measure/cached_evaluator.h"
#include "measure/left_out.h"
#include "stage/outcome.h"

namespace mascing {

/// Values of an adapter, at most; wider routers are read through fewer directions.
inline constexpr int64_t kMostAdapterValues = int64_t{1} << 20;
/// Numbers of all `down`, at most.
inline constexpr int64_t kMostDirectionValues = int64_t{1} << 27;

/// R for a model, as far as its width goes.
[[nodiscard]] int64_t adapter_rank(const ModelInfo& info, int64_t n_most = kMostAdapterValues);

struct AdapterSpace {
  Mask mask;            ///< S and `up` zero
  int64_t n_token = 0;  ///< that were read for it
  LeftOut left_out;     ///< texts that could not be read
};

/// `zero`: a mask of all zeros with its sigma; `n_most`: values at most. Reads prompts and texts of
/// all sets. Each component of a router's input is divided by its root mean square and multiplied
/// by the layer's sigma. These are the rows of `down` while there are at most `n_most` values; else
/// their projections on an orthonormal basis of the inputs of as many tokens as there is room for,
/// drawn at random. Throws Error{kHost} if the host cannot expose router inputs.
[[nodiscard]] AdapterSpace make_adapter_space(CachedEvaluator& evaluator,
                                              const std::vector<OutcomeSet>& sets,
                                              const Mask& zero,
                                              uint64_t seed,
                                              int64_t n_most = kMostAdapterValues);

}  // namespace mascing
