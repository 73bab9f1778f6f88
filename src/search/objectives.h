// Objectives of the closed loop: the sets of a scenario on one split, with the openings of their
// replies and the limits on a mask.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mascing/search_result.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "search/discovery_replies.h"
#include "stage/closed_loop.h"
#include "stage/outcome.h"

namespace mascing {

/// Names of the sets without margins.
inline constexpr const char* kBenignReplies = "benign replies";
inline constexpr const char* kWantedReplies = "wanted replies";
inline constexpr const char* kRareReplies = "wanted replies with rare beginnings";
inline constexpr const char* kWantedReasoning = "reasoning of wanted replies";
inline constexpr const char* kGeneralText = "general text";
inline constexpr const char* kTextLoss =
    "loss on general text";  ///< log of the relative perplexity increase

/// A number of first tokens of a reply.
using ReplyLength = std::function<int64_t(const AskedReply&)>;

struct Objectives {
  std::vector<OutcomeSet> sets;           ///< the target first; empty if it cannot be measured
  std::vector<LoopSet> roles;             ///< one per entry of `sets`
  std::vector<std::vector<size_t>> rows;  ///< per set with a margin: item -> row of the split
  std::map<std::string, MarginResult> margins;  ///< metric -> how well its margin was found to tell
  KnownReplies target;                          ///< replies that the target's openings tell apart
  /// First tokens of a reply before the conclusion of its reasoning, if margins are asked there.
  ReplyLength conclusion_length = {};
  std::string key;  ///< hash of the sets, used in cache keys of measurements
  std::vector<Warning> warnings;

  /// False if both kinds of target replies start alike, if the margin does not tell them apart on
  /// held-out conversations, or if no target conversation can be run.
  [[nodiscard]] bool sees_target() const { return !sets.empty(); }
  [[nodiscard]] bool at_conclusion() const { return conclusion_length != nullptr; }
};

/// Drop of a set's wanted share that the closed loop allows: less than the scenario does, as other
/// splits differ.
[[nodiscard]] double loop_limit(const ScenarioSet& set);
/// True if any of the replies has reasoning.
[[nodiscard]] bool reasons(const std::vector<AskedReply>& replies);
/// The same of the unsteered model's replies to the target's discovery split.
[[nodiscard]] bool reasons(const EvalContext& context);
/// A context whose margins are asked at the conclusion of the reasoning, not behind it: at its last
/// sentence and what decides right before it, as the unsteered model's replies to the discovery
/// split show.
[[nodiscard]] EvalContext cut_at_conclusion(EvalContext context);
/// A context whose replies are cut there, if anywhere.
[[nodiscard]] EvalContext cut_at(EvalContext context, const ReplyLength& conclusion_length);
/// A context whose replies are cut where the margins of `objectives` are asked.
[[nodiscard]] EvalContext context_of(const EvalContext& context, const Objectives& objectives);

/// Measures the sets of `objectives`. Both arguments must outlive the returned function.
[[nodiscard]] AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives);

/// Target, hold, keep and benign sets with margins; benign replies, replies that are as wanted and
/// the reasoning before them (on the discovery split) and general text with divergences; the loss
/// on general text. The openings come from the discovery split whatever the split of the
/// objectives, and so do zero and slope of each margin. A set whose replies of both kinds begin
/// alike is left out, with a warning. If the target's margin is no better than `kLeastMarginAuc` or
/// than chance on held-out conversations, there are no sets, and a warning says what would help.
///
/// Of a model that reasons, margins are asked at the conclusion of the unsteered model's
/// reasoning. If the target's replies cannot be told apart there, they are asked behind it.
[[nodiscard]] Objectives build_objectives(const EvalContext& context, Split split);

}  // namespace mascing
