// The unsteered model's replies to the discovery split by kind, and what tells the kinds apart.
#pragma once

#include <optional>
#include <vector>

#include "measure/eval_context.h"
#include "stage/openings.h"
#include "stage/outcome.h"

namespace mascing {

/// One set's discovery split, replies and verdicts by row.
struct DiscoveryReplies {
  const LoadedSet* set = nullptr;  ///< of the context's data
  std::vector<AskedReply> replies;
  std::vector<JudgedReply> judged;
};

/// Of the target, hold and keep sets, in their order.
[[nodiscard]] std::vector<DiscoveryReplies> ask_discovery(const EvalContext& context);

/// Coherent replies by what they are.
struct ReplyKinds {
  std::vector<TokenSequence> refused;
  std::vector<TokenSequence> answered;
};

[[nodiscard]] ReplyKinds kinds_of(const DiscoveryReplies& discovery);
[[nodiscard]] ReplyKinds pooled_kinds(const std::vector<DiscoveryReplies>& discovery);

/// Openings of a set's replies, and the least share of a kind's replies that they begin.
struct SetOpenings {
  Openings openings;
  double coverage = 0.0;
};

/// What tells wanted replies of a set from others; nothing if they begin alike. Refusals are those
/// of all sets, answers the set's own if there are enough.
[[nodiscard]] std::optional<SetOpenings> find_set_openings(const DiscoveryReplies& discovery,
                                                           const ReplyKinds& pooled);
/// What tells refusals from answers, where any answer will do: no wanted openings.
[[nodiscard]] SetOpenings find_refusal_openings(const ReplyKinds& pooled);

}  // namespace mascing
