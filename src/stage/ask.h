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
  std::string id;  ///< id of the conversation
  std::string text;
  std::vector<int32_t> tokens;
  bool hit_limit = false;  ///< cut off at the token limit
  double mean_nll =
      0.0;  ///< mean negative log-likelihood per token under the unsteered model, nats
  std::string error;
  [[nodiscard]] bool ok() const { return error.empty(); }
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
