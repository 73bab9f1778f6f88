// Texts whose distribution a mask should leave as it is: benign replies, replies that are as wanted
// already, general text.
#pragma once

#include <vector>

#include "measure/eval_context.h"
#include "search/discovery_replies.h"
#include "stage/outcome.h"

namespace mascing {

/// What follows the openings of discovery replies that are as wanted already: margins see how a
/// reply begins, and under a mask it must also go on as such replies do.
[[nodiscard]] std::vector<ScoredText> wanted_texts(const EvalContext& context,
                                                   const std::vector<DiscoveryReplies>& discovery);
/// Conversations of target and hold sets behind the beginning of a wanted reply that was not
/// theirs, with what the unsteered model writes there: under a mask replies begin in new ways, and
/// must go on as the model would have gone on. Of the target only those that it does not reply to
/// as wanted.
[[nodiscard]] std::vector<ScoredText> continued_texts(
    const EvalContext& context, const std::vector<DiscoveryReplies>& discovery);
/// Of the benign sets on one split.
[[nodiscard]] std::vector<ScoredText> benign_texts(const EvalContext& context, Split split);
/// Pieces of one split's part of the general text.
[[nodiscard]] std::vector<ScoredText> general_texts(const EvalContext& context, Split split);

}  // namespace mascing
