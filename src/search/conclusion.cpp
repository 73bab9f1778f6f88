// The sentence is found in the text, and its first token by spelling the reply token by token.
#include "search/conclusion.h"

#include <string>
#include <string_view>

#include "mascing/reply_parts.h"

namespace mascing {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

/// Where the last sentence of a text begins.
size_t last_sentence(std::string_view text) {
  for (size_t i = text.size(); i-- > 1;) {
    const bool is_gap = kSpaces.find(text[i]) != std::string_view::npos;
    if (is_gap &&
        (text[i] == '\n' || std::string_view(".!?:").find(text[i - 1]) != std::string_view::npos)) {
      return i + 1;
    }
  }
  return 0;
}

}  // namespace

int64_t n_before_conclusion(const Host& host, const AskedReply& reply) {
  const std::string reasoning = split_reply(reply.text, {host.reasoning_marks(), true}).reasoning;
  const size_t begin = reasoning.empty() ? std::string::npos : reply.text.find(reasoning);
  if (begin == std::string::npos) {
    return reply.n_reasoning_token;
  }
  const size_t target = begin + last_sentence(reasoning);
  std::string spelled;
  for (int64_t i = 0; i < reply.n_reasoning_token; ++i) {
    spelled += host.piece(reply.tokens[i]);
    if (spelled.size() > target) {
      return i;
    }
  }
  return reply.n_reasoning_token;
}

}  // namespace mascing
