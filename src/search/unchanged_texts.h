// Texts whose distribution a mask should leave as it is: benign replies, replies that are as wanted
// already, general text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/eval_context.h"
#include "search/discovery_replies.h"
#include "stage/outcome.h"

namespace mascing {

inline constexpr size_t kReplyRows = 200;    ///< of each set whose replies are compared
inline constexpr int64_t kPieceTokens = 48;  ///< of general text that are asked about at a time

/// What follows the openings of discovery replies that are as wanted already: margins see how a
/// reply begins, and under a mask it must also go on as such replies do.
[[nodiscard]] std::vector<ScoredText> wanted_texts(const EvalContext& context,
                                                   const std::vector<DiscoveryReplies>& discovery);
/// The same of discovery replies of hold sets that begin in none of the ways that their set's
/// margin knows as wanted, among `sets`: it does not see when a mask turns them into something
/// else. None of a set whose margin knows only unwanted openings.
[[nodiscard]] std::vector<ScoredText> rare_texts(const EvalContext& context,
                                                 const std::vector<DiscoveryReplies>& discovery,
                                                 const std::vector<OutcomeSet>& sets);
/// The reasoning before the margin is asked, of discovery replies of hold and keep sets that are as
/// wanted already: what a model reasons about, and in which language, is decided there.
[[nodiscard]] std::vector<ScoredText> reasoning_texts(
    const EvalContext& context, const std::vector<DiscoveryReplies>& discovery);
/// Conversations of a benign set whose replies should stay: at most `kReplyRows`, evenly spread.
[[nodiscard]] std::vector<Conversation> benign_rows(const LoadedSet& set, Split split);
/// Of the benign sets on one split.
[[nodiscard]] std::vector<ScoredText> benign_texts(const EvalContext& context, Split split);
/// Pieces of one split's part of the general text.
[[nodiscard]] std::vector<ScoredText> general_texts(const EvalContext& context, Split split);

}  // namespace mascing
