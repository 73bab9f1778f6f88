#include "mascing/conversation.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "base/sorted_unique.h"

namespace mascing {

namespace {

constexpr size_t kHashDigits = 16;

}  // namespace

std::string messages_text(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    text += message.role + '\x1f' + message.content + '\x1e';
  }
  return text;
}

std::string conversation_hash(const Conversation& row) {
  using nlohmann::json;
  if (!row.script.empty()) {
    return row.script;
  }
  json messages = json::array();
  for (const Message& message : row.messages) {
    if (message.role != "assistant") {
      messages.push_back({message.role, message.content});
    }
  }
  const auto replace = json::error_handler_t::replace;
  return sha256_hex(messages.dump(-1, ' ', false, replace)).substr(0, kHashDigits);
}

bool is_conversation_hash(const std::string& text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::vector<std::string> conversation_hashes(const std::vector<Conversation>& rows) {
  std::vector<std::string> hashes(rows.size());
  std::transform(rows.begin(), rows.end(), hashes.begin(), conversation_hash);
  return sorted_unique(std::move(hashes));
}

}  // namespace mascing
