// Trade-off between target rate and damage: every trial of the search as a point, the Pareto set,
// and a summary of the choice in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/results.h"

namespace mascing {

/// A trial on the selection split. Only trials with a rate and a divergence become points.
struct TradePoint {
  int64_t i_candidate = 0;
  double rate = 0.0;         ///< of the target: of generated replies, else estimated
  double damage = 0.0;       ///< divergence of the first tokens of benign replies, nats per token;
                             ///< of whole replies where nothing was estimated
  bool is_estimate = false;  ///< no reply was generated
  bool is_allowed = false;   ///< not known to break a limit
  bool is_front = false;     ///< in the Pareto set: allowed, better than no mask, not dominated
};

/// In the order of the candidates.
[[nodiscard]] std::vector<TradePoint> trade_points(const Results& results);
/// The Pareto set in order of increasing damage.
[[nodiscard]] std::vector<TradePoint> pareto_set(const Results& results);

/// The index of the chosen candidate, or -1. In results of earlier versions, the first that is as
/// strong and as large, within all limits if there is one.
[[nodiscard]] int64_t chosen_candidate(const Results& results);

/// One line per member of the Pareto set, numbered from 1, for the terminal. The heading gives the
/// rate of the unsteered model.
[[nodiscard]] std::string pareto_table(const Results& results);
/// The last `n_most` trials so far, one line each, for the terminal.
[[nodiscard]] std::string trials_table(const std::vector<CandidateResult>& trials,
                                       const std::string& target,
                                       size_t n_most);
/// One trial as a line, for output that is not a terminal.
[[nodiscard]] std::string trial_line(const CandidateResult& trial, const std::string& target);

/// Gain and damage of the chosen mask, compared with both ends of the Pareto set. Empty without
/// a set.
[[nodiscard]] std::string trade_words(const Results& results);
/// Tokens generated for selection, compared with the paper's sweep; empty if not known.
[[nodiscard]] std::string search_cost_words(const Results& results);

}  // namespace mascing
