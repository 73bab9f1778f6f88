// Chooses a mask and its strength on the selection split.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/bench.h"
#include "pipeline/dataset.h"
#include "pipeline/label.h"
#include "pipeline/mask_search.h"

namespace mascing {

struct Selection {
  std::vector<CandidateResult> trials;  ///< every mask at every strength that was tried
  std::vector<size_t> i_candidate;      ///< [trials] index of its mask
  size_t i_best = 0;                    ///< index into trials
  bool is_found =
      false;  ///< there is a best one: better than the base, within the hold sets' limits
  bool is_feasible = false;  ///< it keeps all other limits, too
  OutcomeResult outcome;     ///< of the screening, where there was one
  std::vector<Warning> warnings;
};

/// Tries all masks at rising strengths. If the scenario wants finalists, all trials are first
/// screened by one prefill per conversation, and replies are generated for the finalists only;
/// otherwise for all. A trial that falls behind the best feasible one on the
/// first conversations of the target set is dropped there; the others answer all of it and then
/// face the limits of the hold, keep and benign sets. Of the trials that keep all limits and whose
/// target rate lies within the best one's 95 % interval, the one with the least divergence on
/// benign replies is taken. If none keeps all limits, the best of those that keep the hold sets is
/// taken, with a warning; if there is none of those either, none is.
[[nodiscard]] Selection select_mask(Bench& bench,
                                    const Dataset& data,
                                    const Scenario& scenario,
                                    const std::vector<Candidate>& candidates,
                                    Judge& judge,
                                    const CoherenceLimit& coherence);

}  // namespace mascing
