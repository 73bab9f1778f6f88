// Candidate masks that come from asking the model: the effect map and the closed loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/trace_set.h"
#include "pipeline/bench.h"
#include "pipeline/dataset.h"
#include "pipeline/mask_search.h"
#include "pipeline/panel.h"

namespace mascing {

struct LoopMasks {
  std::vector<Candidate> candidates;  ///< the methods of the scenario among closed_loop, effect_map
  EffectsResult effects;
  LoopResult loop;
};

/// More free entries than this are screened by the traces: those whose router logits differ most
/// between the classes stay.
inline constexpr int64_t kMaxFreeEntries = 512;

/// `panel`: of the discovery split. `traces`: the labelled target set under its metric's name; they
/// give sigma, and with many experts the entries worth asking about. All answers of the model are
/// cached, so that an interrupted search goes on where it was.
[[nodiscard]] LoopMasks make_loop_masks(Bench& bench,
                                        const Panel& panel,
                                        const Scenario& scenario,
                                        const TraceSet& traces,
                                        uint64_t seed);

}  // namespace mascing
