// Token sequences to run, and the batches in which both sides run them.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"

namespace mascing {

using Tokens = std::vector<int32_t>;

/// One token of a batch.
struct BatchToken {
  int32_t token = 0;
  int64_t position = 0;
  int32_t i_sequence = 0;
  bool is_output = false;
};
using Batch = std::vector<BatchToken>;

/// Sequences that are in the cache together.
struct Group {
  std::vector<Batch> batches;
};

struct BatchLimits {
  int64_t n_batch = 512;
  int64_t n_sequence = 32;
};

/// All prompts in one group, each a sequence of its own, cut into batches of `n_batch` tokens.
[[nodiscard]] Group cut(const std::vector<Tokens>& prompts, int64_t n_batch);

/// Prefills packed back to back, longer ones in pieces; the last token of each is an output.
[[nodiscard]] std::vector<Group> pack(const std::vector<Tokens>& prompts,
                                      const BatchLimits& limits);

[[nodiscard]] Tokens random_tokens(int64_t n, int64_t n_vocab, uint64_t seed);

/// Conversations of several turns under one system prompt.
struct ConversationForm {
  int64_t n_conversation = 500;
  int64_t n_turn = 5;
  int64_t n_system_token = 200;
  int64_t n_user_token = 20;
  int64_t n_reply_token = 40;
};

/// One request for each conversation, at the final user message; or one for every user message.
[[nodiscard]] std::vector<TraceRequest> make_conversations(const ConversationForm& form,
                                                           int64_t n_vocab,
                                                           bool every_turn);

}  // namespace mascing
