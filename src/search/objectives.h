// What the closed loop asks the model about: the sets of a scenario on one split, with the openings
// of their replies and the limits that a mask must keep.
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
inline constexpr const char* kTextLoss = "loss on general text";  ///< log of the perplexity's rise

struct Objectives {
  std::vector<OutcomeSet> sets;  ///< the target first; empty if it cannot be seen
  std::vector<LoopSet> roles;    ///< of `sets`
  std::vector<double> coverage;  ///< of `sets`: least share of a kind's replies that its openings
                                 ///< begin; 1 without margins
  std::vector<std::vector<size_t>> rows;  ///< of sets with a margin: item -> row of the split
  std::string key;  ///< hash over the sets: stands for them where measurements are looked up
  std::vector<Warning> warnings;

  /// False if the target's replies of both kinds begin alike, or none of it can be asked.
  [[nodiscard]] bool sees_target() const { return !sets.empty(); }
};

/// Asks about the sets of `objectives`; both must outlive it.
[[nodiscard]] AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives);

/// Target, hold, keep and benign sets with margins; benign replies, replies that are as wanted
/// (on the discovery split) and general text with divergences; the loss on general text. The
/// openings come from the discovery split whatever the split of the objectives. A set whose replies
/// of both kinds begin alike is left out, with a warning.
[[nodiscard]] Objectives build_objectives(const EvalContext& context, Split split);

}  // namespace mascing
