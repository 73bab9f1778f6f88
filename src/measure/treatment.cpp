// A system prompt is a treatment like a mask, so that both are measured by the same code.
#include "measure/treatment.h"

#include <utility>

#include "scenario/system_prompt.h"

namespace mascing {

bool Treatment::is_none() const {
  return steering.mask == nullptr && steering.control == nullptr && system_prompt.empty();
}

std::vector<Conversation> Treatment::applied(std::vector<Conversation> rows) const {
  for (Conversation& row : rows) {
    row = with_system_prompt(std::move(row), system_prompt);
  }
  return rows;
}

JudgedReplies ask_treated(const EvalContext& context,
                          const LoadedSet& set,
                          const std::vector<Conversation>& rows,
                          const Treatment& treatment,
                          const std::string& what) {
  const std::vector<Conversation> asked = treatment.applied(rows);
  JudgedReplies side{context.evaluator.replies(what, asked, treatment.steering), {}};
  side.judged = judge_replies(asked, side.replies, context.rules_for(set.spec));
  return side;
}

}  // namespace mascing
