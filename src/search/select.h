// Chooses a mask and its strength on the selection split.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mascing/candidate_result.h"
#include "mascing/search_result.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "search/mask_search.h"
#include "search/trial.h"

namespace mascing {

struct Selection {
  std::vector<CandidateResult> trials;  ///< every mask and strength that was tried
  std::vector<size_t> i_candidate;      ///< [trials] index of its mask
  size_t i_best = 0;                    ///< index into trials
  bool is_found =
      false;  ///< a mask was selected: better than the base and within the hold sets' limits
  bool is_feasible = false;                ///< it meets all other limits as well
  OutcomeResult outcome;                   ///< quality of the prefill estimate, if used
  std::map<std::string, Rate> base_rates;  ///< of every set, without a mask
  double base_perplexity = 0.0;            ///< 0: there is no general text
  int64_t n_base_token = 0;  ///< tokens in the unsteered model's replies to the sets with a role
  std::vector<std::string> cut_short;  ///< what a spent budget skipped, in words
  std::vector<Warning> warnings;
  std::map<std::string, MarginResult> margins;  ///< of the prefill estimates, as in Objectives
  std::vector<Warning> margin_warnings;         ///< likewise
};

/// Tries all masks at rising strengths. If the scenario wants finalists, the trials are halved in
/// turn: a quarter of the conversations with one prefill each, all of them for the better half, and
/// replies for the finalists only: of the first conversations of the target set, of all of it for
/// the better half of the finalists (two at least), then of the sets with limits, until one keeps
/// them all. Without finalists, replies are generated for every trial that does not fall behind. Of
/// the trials that keep all limits and whose target rate lies within the best one's 95 % interval,
/// the one with the least divergence on benign replies is taken. If none keeps all limits, the best
/// of those that keep the hold sets is taken, with a warning; if there is none of those either,
/// none is. A budget that is spent ends the estimate, and leaves one finalist.
[[nodiscard]] Selection select_mask(const EvalContext& context,
                                    const std::vector<Candidate>& candidates,
                                    const WatchTrials& watch = {});

}  // namespace mascing
