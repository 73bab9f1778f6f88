// What a host is asked, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/steering.h"

namespace mascing {

/// Half-open range of token positions.
struct TokenSpan {
  int64_t begin = 0;
  int64_t end = 0;
  [[nodiscard]] int64_t size() const { return end - begin; }
};

/// Result of one request: `value`, or the reason why there is none.
template <typename Value>
struct Result {
  Value value = {};
  std::string error = {};  ///< empty = `value` holds
  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// A conversation as the model sees it, up to and including the opening of its reply.
struct Prompt {
  std::vector<int32_t> tokens = {};
  TokenSpan final_user = {};  ///< tokens that hold at least one byte of the final user message
};

struct TraceRequest {
  std::vector<int32_t> tokens = {};
  TokenSpan span = {};     ///< tokens to record
  Steering steering = {};  ///< recorded logits are those before the mask is added
};

/// Router logits of one conversation.
struct RouterTrace {
  int64_t n_token = 0;
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  std::vector<uint16_t> logits = {};  ///< IEEE half precision, [T, L, E]

  [[nodiscard]] float logit(int64_t i_token, int64_t i_layer, int64_t i_expert) const;
};

struct ResidualRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  Steering steering = {};
};

/// The residual stream at the last token of a prompt.
struct Residual {
  int64_t n_block = 0;
  int64_t n_embd = 0;
  std::vector<float> values =
      {};  ///< [n_block, D] after each block, before a control vector is added
};

/// One token at one router, as Host::observe shows it. The pointers hold during the call only.
struct RouterView {
  int64_t i_request = 0;
  int64_t i_token = 0;  ///< position within the request
  int64_t i_layer = 0;
  const float* input = nullptr;    ///< [D] what the router's weight is multiplied with
  const float* logits = nullptr;   ///< [E] as the router gives them, its own bias included
  const float* steered = nullptr;  ///< [E] as the model goes on with them: mask added
};
using RouterObserver = std::function<void(const RouterView&)>;

/// What the model expects after one token.
struct OutputView {
  int64_t i_request = 0;
  int64_t i_token = 0;            ///< position within the request
  const float* logits = nullptr;  ///< [V]
};
using OutputObserver = std::function<void(const OutputView&)>;

struct Sampling {
  float temperature = 0.0F;  ///< 0 = greedy
  uint64_t seed = 0;         ///< of request i: derived from `seed` and the request's `stream`
  int64_t n_max_token = 100;
};

struct GenerateRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  Steering steering = {};
  uint64_t stream =
      0;  ///< random stream of this request; same seed, stream and requests: same reply
};

enum class FinishReason { kStop, kLength };

struct Reply {
  std::string text = {};  ///< special tokens other than the end mark included
  std::vector<int32_t> tokens = {};
  double log_prob =
      0.0;  ///< of `tokens`, summed, under the model as it was steered, at temperature 1
  FinishReason finish = FinishReason::kStop;
};

/// A reply of a conversation that goes on.
struct FinishedReply {
  int64_t i_request = 0;
  int64_t i_reply = 0;  ///< counts the replies of this request from 0
  Result<Reply> reply = {};
};
/// Given finished replies; returns for each the whole next prompt of its request, or no tokens
/// where the request ends. It is asked about one request's replies in their order, about different
/// requests in any, never by two threads at once. What is returned for a failed reply is not used.
using NextPrompts =
    std::function<std::vector<std::vector<int32_t>>(const std::vector<FinishedReply>&)>;

struct ConverseOptions {
  Sampling sampling = {};
  /// Replies that wait for `next`, so that it is given several at a time: it is called when so many
  /// are there, or when nothing else can go on.
  int64_t n_together = 1;
};

/// The most likely next tokens at one position; all others as one.
struct TopRow {
  std::vector<int32_t> tokens = {};
  std::vector<float> log_probs = {};  ///< of `tokens`, falling
  float rest = 0.0F;                  ///< log-probability of all other tokens together
};

/// Log-probability of tokens[begin..] given all tokens before each.
struct ScoreRequest {
  std::vector<int32_t> tokens = {};
  int64_t begin = 1;  ///< first scored token, >= 1
  Steering steering = {};
  bool with_divergence = false;  ///< also run the model unsteered and compare
  int64_t n_top = 0;             ///< > 0: return this many of each position's most likely tokens
  /// If set: compare with these rows, one per scored position, as an earlier call returned them.
  std::shared_ptr<const std::vector<TopRow>> reference = nullptr;
};

struct Score {
  double log_prob = 0.0;  ///< summed, natural logarithm
  int64_t n_token = 0;
  /// Summed over scored positions, in nats: KL(unsteered || steered); with a reference
  /// KL(reference || steered) over the reference's tokens and their rest, a lower bound of it.
  double divergence = 0.0;
  std::vector<TopRow> top = {};  ///< one per scored position where they were asked for
};

/// How likely a reply is to begin in each of several ways. The prompt is computed once.
struct ProbeRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  /// [n][at least 1 token]
  std::shared_ptr<const std::vector<std::vector<int32_t>>> openings = {};
  Steering steering = {};
};

struct Probe {
  std::vector<double> log_prob =
      {};  ///< [n] natural logarithm, of all tokens of an opening together
};

struct HostCounters {
  int64_t n_prefill_token = 0;
  int64_t n_generated_token = 0;
  double seconds = 0.0;  ///< wall time spent in requests
};

}  // namespace mascing
