// What a mask changes in the routing of given tokens: the model reads them twice, without and with
// the mask, and the experts that it chooses are compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "stage/selection_rates.h"

namespace mascing {

/// A conversation's prompt and the reply that was given to it.
struct RoutedReply {
  std::vector<int32_t> prompt = {};
  TokenSpan final_user = {};  ///< within the prompt
  std::vector<int32_t> reply = {};
  bool counts_for_rates = true;
};

/// One conversation, token by token: the last kMostMessageTokens from the final user message to the
/// end of the prompt, then the first kMostReplyTokens of the reply.
struct ReplyRouting {
  std::vector<std::string> tokens = {};  ///< texts; see TokenRouting
  std::vector<double> change = {};       ///< share of the L * K choices that the mask changed
  /// log p(token) with the mask minus the same without, nats; of the reply's tokens. Empty where
  /// the host cannot show its outputs.
  std::vector<double> gain = {};
  int64_t n_left_out = 0;
  std::string error = {};  ///< why it was not read; all else is empty then
};

inline constexpr int64_t kMostMessageTokens = 256;
inline constexpr int64_t kMostReplyTokens = 512;

/// A token that an expert was given on one side only.
struct RoutingMove {
  int64_t i_reply = 0;
  int64_t i_token = 0;  ///< of ReplyRouting
  bool is_gained = false;
  double change = 0.0;  ///< of the expert's part in the softmax over the router's logits
};

/// Tokens kept for each expert, those with the largest change of softmax.
inline constexpr int64_t kMovesPerExpert = 4;

struct RoutingChanges {
  int64_t n_conversation = 0;         ///< that count for rates
  int64_t n_token = 0;                ///< of these
  std::vector<int64_t> base = {};     ///< [L, E] how many of them chose the expert
  std::vector<int64_t> steered = {};  ///< [L, E]
  std::vector<int64_t> swapped = {};  ///< [L] choices of theirs without the mask, not made with it
  std::vector<std::vector<RoutingMove>> moves = {};  ///< [L * E], largest change first
  std::vector<ReplyRouting> replies = {};            ///< in the order of the requests
};

/// `choose` as in selection_rates(). Throws Error{kHost} if the host cannot show its routers.
[[nodiscard]] RoutingChanges routing_changes(Host& host,
                                             const std::vector<RoutedReply>& replies,
                                             const Steering& steering,
                                             const ChooseExperts& choose = {});

/// Adds the counts of `more` and appends its replies.
void add_changes(RoutingChanges more, RoutingChanges& sum);

}  // namespace mascing
