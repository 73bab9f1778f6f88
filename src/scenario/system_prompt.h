// Prepends a system prompt to that of a conversation.
#pragma once

#include <string>

#include "mascing/conversation.h"

namespace mascing {

/// The conversation with `text` at the start of its system message, which is added if missing.
[[nodiscard]] Conversation with_system_prompt(Conversation conversation, const std::string& text);

}  // namespace mascing
