// The unsteered model's replies to the discovery split by kind, and what tells the kinds apart.
#pragma once

#include <optional>
#include <vector>

#include "measure/eval_context.h"
#include "stage/cross_fit.h"
#include "stage/outcome.h"
#include "stage/steered_openings.h"

namespace mascing {

/// Folds of the cross-fit.
inline constexpr int64_t kOpeningFolds = 5;

/// One set's discovery split, replies and verdicts by row.
struct DiscoveryReplies {
  const LoadedSet* set = nullptr;  ///< of the context's data
  std::vector<AskedReply> replies;
  std::vector<JudgedReply> judged;
  std::vector<TokenSequence> prefixes;  ///< what stands before the visible part of each reply
  std::vector<int64_t> fold;            ///< of each row; a topic is in one fold in all sets
};

/// Of the target, hold and keep sets, in their order.
[[nodiscard]] std::vector<DiscoveryReplies> ask_discovery(const EvalContext& context);

/// Coherent replies by what they are: their visible tokens.
struct ReplyKinds {
  std::vector<FoldedReply> refused;
  std::vector<FoldedReply> answered;
};

[[nodiscard]] ReplyKinds kinds_of(const DiscoveryReplies& discovery);
[[nodiscard]] ReplyKinds pooled_kinds(const std::vector<DiscoveryReplies>& discovery);

/// Openings of a set's replies, and how the margin compares them.
struct SetOpenings {
  CrossFit fit;  ///< without the openings that the form leaves out
  MarginForm form = MarginForm::kNone;
};

/// What tells wanted replies of a set from others; nothing if they begin alike, or in too many ways
/// on both sides. Answers and refusals are the set's own if there are enough, else those of all
/// sets. A hold set whose wanted replies are nearly all covered is compared with everything else: a
/// reply of a third kind breaks it, too.
[[nodiscard]] std::optional<SetOpenings> find_set_openings(const DiscoveryReplies& discovery,
                                                           const ReplyKinds& pooled);
/// What tells refusals from everything else, where any answer will do: no wanted openings. Nothing
/// if refusals begin in no way of their own.
[[nodiscard]] std::optional<SetOpenings> find_refusal_openings(const ReplyKinds& pooled);

/// Replies of the target set that its openings tell apart, and the form of the margin.
struct KnownReplies {
  ReplyPair unsteered;     ///< what the openings were fitted on
  ReplyPair steered = {};  ///< under the masks of a loop so far
  int64_t n_look = 0;      ///< looks at such replies so far
  Openings openings;       ///< of the unsteered replies, of the form
  MarginForm form = MarginForm::kNone;
};
[[nodiscard]] KnownReplies known_replies(const DiscoveryReplies& discovery,
                                         const ReplyKinds& pooled,
                                         const SetOpenings& found);

/// A prompt and the first token of its last user message.
struct OpeningPrompt {
  TokenSequence tokens;
  int64_t first = 0;
};
/// The prompt of a conversation up to the opening of its visible reply; nothing if it cannot be
/// rendered.
[[nodiscard]] std::optional<OpeningPrompt> opening_prompt(const Host& host,
                                                          const Conversation& row,
                                                          const TokenSequence& prefix);
/// First tokens of a reply that stand before its visible part (`EvalContext::prefix_length`).
[[nodiscard]] TokenSequence prefix_of(const EvalContext& context, const AskedReply& reply);

}  // namespace mascing
