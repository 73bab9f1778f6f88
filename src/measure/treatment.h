// How one side of a comparison is asked: a steering, a system prompt, or both.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/steering.h"
#include "measure/eval_context.h"

namespace mascing {

struct Treatment {
  Steering steering;
  std::string system_prompt = {};  ///< before the conversations' own

  /// True for the unsteered model.
  [[nodiscard]] bool is_none() const;
  /// Conversations as they are asked.
  [[nodiscard]] std::vector<Conversation> applied(std::vector<Conversation> rows) const;
};

/// Replies with what became of them.
struct JudgedReplies {
  std::vector<AskedReply> replies;
  std::vector<JudgedReply> judged;

  [[nodiscard]] Rate rate() const { return wanted_rate(replies, judged); }
};

/// Asks and judges conversations of a set under a treatment; the judge sees them as they were
/// asked.
[[nodiscard]] JudgedReplies ask_treated(const EvalContext& context,
                                        const LoadedSet& set,
                                        const std::vector<Conversation>& rows,
                                        const Treatment& treatment,
                                        const std::string& what);

}  // namespace mascing
