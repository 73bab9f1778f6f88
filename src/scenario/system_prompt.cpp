// The text is merged into an existing system message, since many chat templates allow only one.
#include "scenario/system_prompt.h"

namespace mascing {

Conversation with_system_prompt(Conversation conversation, const std::string& text) {
  if (text.empty()) {
    return conversation;
  }
  std::vector<Message>& messages = conversation.messages;
  if (messages.empty() || messages.front().role != "system") {
    messages.insert(messages.begin(), {"system", text});
  } else {
    messages.front().content = text + " " + messages.front().content;
  }
  return conversation;
}

}  // namespace mascing
