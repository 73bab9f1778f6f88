// Requests to a host about texts and their results: generated replies, log-probabilities of given
// texts, and the probability of given openings of a reply.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mascing/result.h"
#include "mascing/steering.h"

namespace mascing {

struct Sampling {
  float temperature = 0.0F;   ///< 0 = greedy
  uint64_t seed = 0;          ///< combined with each request's `stream`
  int64_t n_max_token = 100;  ///< of the visible part
  /// Of the reasoning, where the model marks it and the prompt leaves room for it; otherwise all
  /// tokens count towards n_max_token. 0 = they do in any case.
  int64_t n_max_reasoning_token = 0;
};

struct GenerateRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  Steering steering = {};
  uint64_t stream =
      0;  ///< random stream of this request; same seed, stream and requests: same reply
  bool opens_reasoning = false;  ///< of the prompt, and of those that follow in Host::converse
};

enum class FinishReason { kStop, kLength };

struct Reply {
  std::string text = {};  ///< includes special tokens except the end marker
  std::vector<int32_t> tokens = {};
  /// Leading tokens up to the end of the reasoning; all of them if it did not end.
  int64_t n_reasoning_token = 0;
  /// Summed over the tokens behind them, under the steered model, at temperature 1.
  double log_prob = 0.0;
  FinishReason finish = FinishReason::kStop;
};

/// One more token of a reply, as soon as it is known.
struct TokenView {
  int64_t i_request = 0;
  int64_t i_token = 0;  ///< within the reply
  /// As Reply::text has it but for spaces that are cleaned up at the end; may end within a
  /// character. Valid only during the call.
  std::string_view text = {};
};
/// Tokens of one request arrive in order, from one thread at a time. An exception ends the call.
using TokenListener = std::function<void(const TokenView&)>;

/// A reply within a multi-round request.
struct FinishedReply {
  int64_t i_request = 0;
  int64_t i_reply = 0;  ///< index of the reply within the request
  Result<Reply> reply = {};
};
/// Receives finished replies and returns for each the complete next prompt of its request, or no
/// tokens to end the request. Replies of one request arrive in order, those of different requests
/// in any order, from one thread at a time. The return value for a failed reply is ignored.
using NextPrompts =
    std::function<std::vector<std::vector<int32_t>>(const std::vector<FinishedReply>&)>;

struct ConverseOptions {
  Sampling sampling = {};
  /// Number of finished replies to collect before `next` is called. It is also called when no other
  /// work is left.
  int64_t n_together = 1;
};

/// The most likely next tokens at one position, with all others combined.
struct TopRow {
  std::vector<int32_t> tokens = {};
  std::vector<float> log_probs = {};  ///< of `tokens`, in descending order
  float rest = 0.0F;                  ///< log-probability of all other tokens combined
};

/// Log-probability of tokens[begin..], each given all previous tokens.
struct ScoreRequest {
  std::vector<int32_t> tokens = {};
  int64_t begin = 1;  ///< first scored token, >= 1
  Steering steering = {};
  bool with_divergence = false;  ///< also run the model unsteered and compare
  int64_t n_top = 0;             ///< > 0: return this many most likely tokens per position
  /// If set: compare with these rows, one per scored position, as an earlier call returned them.
  std::shared_ptr<const std::vector<TopRow>> reference = nullptr;
};

struct Score {
  double log_prob = 0.0;  ///< summed, natural logarithm
  int64_t n_token = 0;
  /// Summed over scored positions, in nats: KL(unsteered || steered); with a reference
  /// KL(reference || steered) over the reference's tokens and their rest, a lower bound of it.
  double divergence = 0.0;
  std::vector<TopRow> top = {};  ///< one per scored position, if requested
};

/// Probability of each of several openings of a reply. The prompt is computed once.
struct ProbeRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  /// [n][at least 1 token]
  std::shared_ptr<const std::vector<std::vector<int32_t>>> openings = {};
  Steering steering = {};
};

struct Probe {
  std::vector<double> log_prob =
      {};  ///< [n] natural logarithm, summed over the tokens of an opening
};

}  // namespace mascing
