// Behaviour gained against damage done: every trial of the search as a point, those that nothing
// beats in both, and what a choice among them costs in words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mascing/results.h"

namespace mascing {

/// A trial on the selection split. Only trials with a rate and a divergence become points.
struct TradePoint {
  size_t i_candidate = 0;
  double rate = 0.0;         ///< of the target: of generated replies, else estimated
  double damage = 0.0;       ///< divergence of the first tokens of benign replies, nats per token;
                             ///< of whole replies where there was no screening
  bool is_estimate = false;  ///< no reply was generated
  bool is_allowed = false;   ///< nothing is known of a limit that it breaks
  bool is_front = false;  ///< allowed, better than no mask, and no allowed one is as good in both
};

/// In the order of the candidates.
[[nodiscard]] std::vector<TradePoint> trade_points(const Results& results);
/// The Pareto set, from the gentlest to the strongest.
[[nodiscard]] std::vector<TradePoint> pareto_set(const Results& results);

/// The index of the candidate whose mask the results are about, or -1.
[[nodiscard]] int64_t chosen_candidate(const Results& results);

/// One line per member of the Pareto set, numbered from 1, for the terminal; the heading says what
/// the unsteered model does.
[[nodiscard]] std::string pareto_table(const Results& results);
/// The trials so far, one line each, for the terminal; the last `n_most` of them.
[[nodiscard]] std::string trials_table(const std::vector<CandidateResult>& trials,
                                       const std::string& target,
                                       size_t n_most);
/// One trial in a line, for places that are no terminal.
[[nodiscard]] std::string trial_line(const CandidateResult& trial, const std::string& target);

/// What the choice gains and costs beside the gentlest and the strongest of the set. Empty without
/// a set.
[[nodiscard]] std::string trade_words(const Results& results);
/// What was generated to choose, and what the paper's sweep would have; empty if not known.
[[nodiscard]] std::string search_cost_words(const Results& results);

}  // namespace mascing
