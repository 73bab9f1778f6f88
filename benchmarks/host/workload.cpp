#include "workload.h"

#include "base/random.h"

namespace mascing {
namespace {

/// Adds a prompt behind what `batches`, of which there is at least one, have already.
void append(const Tokens& prompt,
            int64_t i_sequence,
            int64_t n_batch,
            std::vector<Batch>& batches) {
  const auto n_token = static_cast<int64_t>(prompt.size());
  for (int64_t t = 0; t < n_token; ++t) {
    if (static_cast<int64_t>(batches.back().size()) == n_batch) {
      batches.emplace_back();
    }
    batches.back().push_back({prompt[t], t, static_cast<int32_t>(i_sequence), t + 1 == n_token});
  }
}

}  // namespace

std::vector<Group> pack(const std::vector<Tokens>& prompts, const BatchLimits& limits) {
  std::vector<Group> groups;
  int64_t n_sequence = limits.n_sequence;
  for (const Tokens& prompt : prompts) {
    const auto n_token = static_cast<int64_t>(prompt.size());
    const auto n_taken = groups.empty() || groups.back().batches.empty()
                             ? 0
                             : static_cast<int64_t>(groups.back().batches.back().size());
    if (n_sequence == limits.n_sequence || n_taken + n_token > limits.n_batch) {
      groups.push_back({{{}}});
      n_sequence = 0;
    }
    append(prompt, n_sequence, limits.n_batch, groups.back().batches);
    ++n_sequence;
  }
  return groups;
}

Group cut(const std::vector<Tokens>& prompts, int64_t n_batch) {
  Group group = {{{}}};
  for (size_t s = 0; s < prompts.size(); ++s) {
    append(prompts[s], static_cast<int64_t>(s), n_batch, group.batches);
  }
  return group;
}

Tokens random_tokens(int64_t n, int64_t n_vocab, uint64_t seed) {
  Rng rng(seed);
  Tokens tokens(static_cast<size_t>(n));
  for (int32_t& token : tokens) {
    token = static_cast<int32_t>(rng.below(n_vocab));
  }
  return tokens;
}

std::vector<TraceRequest> make_conversations(const ConversationForm& form,
                                             int64_t n_vocab,
                                             bool every_turn) {
  std::vector<TraceRequest> requests;
  const Tokens system = random_tokens(form.n_system_token, n_vocab, 0);
  uint64_t seed = 1;
  const auto append = [&](Tokens& to, int64_t n) {
    const Tokens more = random_tokens(n, n_vocab, seed++);
    to.insert(to.end(), more.begin(), more.end());
  };
  for (int64_t i = 0; i < form.n_conversation; ++i) {
    Tokens tokens = system;
    for (int64_t turn = 0; turn < form.n_turn; ++turn) {
      const auto begin = static_cast<int64_t>(tokens.size());
      append(tokens, form.n_user_token);
      const auto end = static_cast<int64_t>(tokens.size());
      if (every_turn || turn + 1 == form.n_turn) {
        requests.push_back({tokens, {begin, end}, {}});
      }
      append(tokens, form.n_reply_token);
    }
  }
  return requests;
}

}  // namespace mascing
