// What a host is asked about texts, and what it answers: generated replies, log-probabilities of
// given texts, and how likely a reply is to begin in given ways.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/result.h"
#include "mascing/steering.h"

namespace mascing {

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

}  // namespace mascing
