// Generated replies for one trial: the target set first, then the sets with limits.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "search/constraint_check.h"
#include "search/trial.h"

namespace mascing {

/// What generated replies have settled so far.
struct Incumbent {
  Rate rate{-1.0, -1.0, -1.0};     ///< target's, highest of the feasible trials; below 0: none yet
  std::vector<size_t> keeps_hold;  ///< trials within the limits of the hold sets

  [[nodiscard]] bool exists() const { return rate.rate >= 0.0; }
};

/// Conversations of the target set that are asked before all of them are.
inline constexpr size_t kFirstRows = kChunk;
inline constexpr size_t kAllRows = std::numeric_limits<size_t>::max();

/// Why a trial is dropped after these, which are all of a small set.
[[nodiscard]] std::string trailing_reason(const ConstraintChecker& constraints);

/// Replies to the first `n_row` conversations of the target set; their rate goes into the table.
std::vector<AskedReply> generate_target(const ConstraintChecker& constraints,
                                        const Trial& trial,
                                        size_t n_row,
                                        TrialTable& table);

/// The limits of a trial whose target replies are there, if the target's rate has risen.
void settle(const ConstraintChecker& constraints,
            const Trial& trial,
            TrialTable& table,
            Incumbent& incumbent);

/// All of it: some of the target set, all of it, the limits, as long as the trial does not fall
/// behind the incumbent.
void evaluate_fully(const ConstraintChecker& constraints,
                    const Trial& trial,
                    TrialTable& table,
                    Incumbent& incumbent);

/// False, with the reason in the table, if the general text suffers more than allowed.
[[nodiscard]] bool keeps_text(const ConstraintChecker& constraints,
                              const Trial& trial,
                              TrialTable& table);

}  // namespace mascing
