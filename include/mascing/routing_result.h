// What a mask does to the routing: selection rates without and with it on the same tokens, and for
// each expert the tokens that it gained or lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// A token of a test conversation with some of the text around it.
struct RoutingPlace {
  std::string metric = {};  ///< of the conversation's set
  std::string id = {};      ///< of the conversation
  int64_t i_token = 0;      ///< among the tokens that transcripts.jsonl lists under "routing"
  std::string before = {};
  std::string token = {};
  std::string after = {};
};

/// A token that an expert got only with the mask, or only without it.
struct MovedToken {
  int64_t i_place = 0;  ///< in RoutingResult::places
  bool is_gained = false;
  double change = 0.0;  ///< of the expert's share of the softmax over the router's logits
};

struct ExpertTokens {
  int64_t i_layer = 0;
  int64_t i_expert = 0;
  std::vector<MovedToken> tokens = {};  ///< largest change first
};

/// The margins at the ends of user messages of the conversations that were looked at.
struct TurnMarginsResult {
  std::string reason = {};  ///< why there are none, or not of all messages
  int64_t n_turn = 0;       ///< user messages with a margin
  int64_t n_left_out = 0;   ///< the others
  int64_t n_token = 0;      ///< of prompts and openings, both sides; shared beginnings count again
};

/// Measured along the final user message and the reply that the model wrote with the mask, once
/// without and once with it. Rates come from conversations drawn at random by set; tokens also
/// from conversations that the mask fixed or broke.
struct RoutingResult {
  std::string reason = {};  ///< why nothing was measured; empty if something was
  /// Why experts are taken by their logits alone; empty: as the model chooses, or not known
  /// (results of earlier versions, which did so).
  std::string by_logits = {};
  /// Where the token decides over the experts, whatever the mask; they have no rates.
  std::vector<int64_t> layers_by_token = {};
  int64_t n_conversation = 0;                  ///< that the rates come from
  int64_t n_token = 0;                         ///< of these
  int64_t n_viewed = 0;                        ///< conversations looked at, token by token
  int64_t n_left_out = 0;                      ///< the other conversations of the test split
  int64_t n_token_left_out = 0;                ///< of long messages and replies that were looked at
  std::vector<std::vector<double>> base = {};  ///< [L][E] selection rates; a layer's sum is K
  std::vector<std::vector<double>> steered = {};  ///< [L][E]
  std::vector<double> layer_change = {};  ///< [L] share of the choices that the mask changed
  std::vector<RoutingPlace> places = {};
  std::vector<ExpertTokens> experts = {};  ///< those with tokens, largest change of rate first
  int64_t n_expert_left_out = 0;           ///< experts with tokens beyond the limit
  TurnMarginsResult margins = {};
};

}  // namespace mascing
