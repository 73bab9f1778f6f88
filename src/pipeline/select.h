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

/// Two target rates closer than this count as equal: then the smaller damage decides.
inline constexpr double kRateTie = 0.01;

struct Selection {
  std::vector<CandidateResult> trials;  ///< every mask at every strength that was tried
  std::vector<size_t> i_candidate;      ///< [trials] index of its mask
  size_t i_best = 0;                    ///< index into trials
  bool is_found =
      false;  ///< there is a best one: better than the base, within the hold sets' limits
  bool is_feasible = false;  ///< it keeps all other limits, too
  std::vector<Warning> warnings;
};

/// All masks at rising strengths are tried on the target set, up to the limit on general-text
/// perplexity; from the best target rate downwards the limits of the other sets are then checked
/// until one trial keeps them all. Among trials that tie with it, the one with the lowest
/// perplexity is taken. If none keeps all limits, the best of those that keep the hold sets is
/// taken, with a warning; if there is none of those either, none is taken.
[[nodiscard]] Selection select_mask(Bench& bench,
                                    const Dataset& data,
                                    const Scenario& scenario,
                                    const std::vector<Candidate>& candidates,
                                    const RefusalJudge& judge,
                                    const CoherenceLimit& coherence);

/// The halves of the general text, as blocks: the first for selection, the second for the test.
[[nodiscard]] std::vector<std::vector<int32_t>> text_blocks(const Host& host,
                                                            const Dataset& data,
                                                            const Scenario& scenario,
                                                            Split split);

}  // namespace mascing
