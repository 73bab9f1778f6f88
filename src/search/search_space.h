// Search space of the masks made from measurements on the model: their model and sigma, and the
// entries that a search may change.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/mask.h"
#include "mascing/scenario.h"
#include "mascing/trace_set.h"
#include "search/mask_search.h"
#include "stage/perturbation.h"

namespace mascing {

/// If there are more entries than this, those whose router logits differ most between the classes
/// are free.
inline constexpr int64_t kMaxFreeEntries = 512;

struct SearchSpace {
  Mask mask;                      ///< all zero
  std::vector<float> difference;  ///< [L, E] routing difference towards the wanted outcome; norm 1
  FreeEntries entries;
};

/// `traces`: the labelled target set under the name of its metric; others only affect sigma.
[[nodiscard]] SearchSpace make_search_space(const TraceSet& traces,
                                            const Scenario& scenario,
                                            uint64_t seed);

/// A mask found within a space as a candidate, without a threshold. `variant` follows the method's
/// name, as in "router_adapter+look".
[[nodiscard]] Candidate candidate_of(Mask mask, MaskMethod method, const char* variant = "");

}  // namespace mascing
