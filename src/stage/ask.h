// Stage "ask": generates the model's replies to conversations and scores each reply under the
// unsteered model.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"

namespace mascing {

struct AskOptions {
  Steering steering;
  Sampling sampling;
};

/// One reply, or the reason why there is none.
struct AskedReply {
  std::string id;       ///< id of the conversation
  std::string text;     ///< as generated, special tokens included
  std::string visible;  ///< what the user gets to read of it
  std::vector<int32_t> tokens;
  int64_t n_reasoning_token = 0;  ///< of `tokens`, up to the end of the reasoning
  bool hit_limit = false;         ///< cut off at a token limit
  bool is_unfinished = false;     ///< ended within the reasoning
  /// Mean negative log-likelihood per visible token under the unsteered model, nats; 0 without any.
  double mean_nll = 0.0;
  std::string error;
  [[nodiscard]] bool ok() const { return error.empty(); }
  [[nodiscard]] int64_t n_visible_token() const { return std::ssize(tokens) - n_reasoning_token; }
  [[nodiscard]] std::vector<int32_t> visible_tokens() const {
    return {tokens.begin() + n_reasoning_token, tokens.end()};
  }
};

struct Asked {
  std::vector<AskedReply> replies;  ///< in the order of the conversations
  HostCounters generation;          ///< work of the generation only
};

/// Request i uses random stream `first_stream` + i. For a conversation that cannot be rendered or
/// run, `error` gives the reason.
[[nodiscard]] Asked ask(Host& host,
                        const std::vector<Conversation>& conversations,
                        const AskOptions& options,
                        uint64_t first_stream = 0);

}  // namespace mascing
