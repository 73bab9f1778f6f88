// Masks at strengths on trial: what is known of each, and which of them go on.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "mascing/candidate_result.h"
#include "mascing/run_options.h"
#include "mascing/steering.h"
#include "search/mask_search.h"

namespace mascing {

struct Trial {
  size_t i_trial = 0;
  Steering steering;
  std::string what;  ///< name in progress reports
};

using Trials = std::vector<Trial>;

/// A target rate that no stronger mask need improve.
inline constexpr double kPerfectRate = 0.9995;

/// What is known of all trials so far. The one thing that the steps of the choice share and change.
struct TrialTable {
  std::vector<CandidateResult> results;
  std::vector<size_t> i_candidate;  ///< [results] index of its mask
  WatchTrials watch;                ///< may be empty

  [[nodiscard]] CandidateResult& of(const Trial& trial) { return results[trial.i_trial]; }
  [[nodiscard]] const CandidateResult& of(const Trial& trial) const {
    return results[trial.i_trial];
  }
  void reject(const Trials& trials, const std::string& reason);
  /// Shows the table to who watches.
  void notify() const;
};

/// A new trial of candidate `i` of `candidates`, with its row in the table.
[[nodiscard]] Trial begin_trial(const std::vector<Candidate>& candidates,
                                size_t i,
                                double alpha,
                                TrialTable& table);

using RateOf = std::function<double(const Trial&)>;

/// Takes `n` of `waiting`, alternating between the highest rate and the least divergence on benign
/// replies among those with a rate of at least `near`. The others stay.
[[nodiscard]] Trials take_promising(Trials& waiting,
                                    const std::vector<CandidateResult>& results,
                                    size_t n,
                                    const RateOf& rate,
                                    double near);

/// In order of preference: trials with a rate of at least `near` by divergence, then the others by
/// rate.
void order_by_choice(Trials& trials,
                     const std::vector<CandidateResult>& results,
                     const RateOf& rate,
                     double near);

}  // namespace mascing
