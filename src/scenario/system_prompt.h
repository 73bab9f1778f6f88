// A system prompt put in front of a conversation's own.
#pragma once

#include <string>

#include "mascing/conversation.h"

namespace mascing {

/// The conversation with `text` at the head of its system message, which is added if there is none.
[[nodiscard]] Conversation with_system_prompt(Conversation conversation, const std::string& text);

}  // namespace mascing
