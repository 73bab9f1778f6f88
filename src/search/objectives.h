// Objectives of the closed loop: the sets of a scenario on one split, with the openings of their
// replies and the limits on a mask.
#pragma once

#include <string>
#include <vector>

#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "stage/closed_loop.h"
#include "stage/outcome.h"

namespace mascing {

/// Names of the sets without margins.
inline constexpr const char* kBenignReplies = "benign replies";
inline constexpr const char* kWantedReplies = "wanted replies";
inline constexpr const char* kGeneralText = "general text";
inline constexpr const char* kTextLoss =
    "loss on general text";  ///< log of the relative perplexity increase

struct Objectives {
  std::vector<OutcomeSet> sets;  ///< the target first; empty if it cannot be measured
  std::vector<LoopSet> roles;    ///< one per entry of `sets`
  std::vector<double> coverage;  ///< per entry of `sets`: smallest share of a kind's replies
                                 ///< covered by its openings; 1 without margins
  std::vector<std::vector<size_t>> rows;  ///< per set with a margin: item -> row of the split
  std::string key;                        ///< hash of the sets, used in cache keys of measurements
  std::vector<Warning> warnings;

  /// False if both kinds of target replies start alike, or no target conversation can be run.
  [[nodiscard]] bool sees_target() const { return !sets.empty(); }
};

/// Measures the sets of `objectives`. Both arguments must outlive the returned function.
[[nodiscard]] AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives);

/// Target, hold, keep and benign sets with margins; benign replies, replies that are as wanted
/// (on the discovery split) and general text with divergences; the loss on general text. The
/// openings come from the discovery split whatever the split of the objectives. A set whose replies
/// of both kinds begin alike is left out, with a warning.
[[nodiscard]] Objectives build_objectives(const EvalContext& context, Split split);

}  // namespace mascing
