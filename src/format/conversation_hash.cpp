#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "mascing/conversation.h"

namespace mascing {

namespace {

constexpr size_t kConversationDigits = 16;

}  // namespace

std::string conversation_hash(const Conversation& row) {
  using nlohmann::json;
  json messages = json::array();
  for (const Message& message : row.messages) {
    if (message.role != "assistant") {
      messages.push_back({message.role, message.content});
    }
  }
  const auto replace = json::error_handler_t::replace;
  return sha256_hex(messages.dump(-1, ' ', false, replace)).substr(0, kConversationDigits);
}

std::vector<std::string> conversation_hashes(const std::vector<Conversation>& rows) {
  std::vector<std::string> hashes(rows.size());
  std::transform(rows.begin(), rows.end(), hashes.begin(), conversation_hash);
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

}  // namespace mascing
