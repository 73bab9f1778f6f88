// The part of results.json about routing; see results_schema.h.
#pragma once

#include "mascing/routing_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, RoutingPlace& place) {
  io.field("metric", place.metric);
  io.field("id", place.id);
  io.field("token_index", place.i_token);
  io.field("before", place.before);
  io.field("token", place.token);
  io.field("after", place.after);
}

template <typename Io>
void describe(Io& io, MovedToken& moved) {
  io.field("place", moved.i_place);
  io.field("gained", moved.is_gained);
  io.field("change", moved.change);
}

template <typename Io>
void describe(Io& io, ExpertTokens& expert) {
  io.field("layer", expert.i_layer);
  io.field("expert", expert.i_expert);
  io.field("tokens", expert.tokens);
}

template <typename Io>
void describe(Io& io, TurnMarginsResult& margins) {
  io.field("reason", margins.reason);
  io.field("turns", margins.n_turn);
  io.field("turns_left_out", margins.n_left_out);
  io.field("tokens", margins.n_token);
}

template <typename Io>
void describe(Io& io, RoutingResult& routing) {
  io.field("reason", routing.reason);
  io.field("conversations", routing.n_conversation);
  io.field("tokens", routing.n_token);
  io.field("viewed", routing.n_viewed);
  io.field("left_out", routing.n_left_out);
  io.field("tokens_left_out", routing.n_token_left_out);
  io.field("base", routing.base);
  io.field("steered", routing.steered);
  io.field("layer_change", routing.layer_change);
  io.field("places", routing.places);
  io.field("experts", routing.experts);
  io.field("experts_left_out", routing.n_expert_left_out);
  // That earlier versions did not write.
  io.later("margins", routing.margins);
  io.later("by_logits", routing.by_logits);
  io.later("layers_by_token", routing.layers_by_token);
}

}  // namespace mascing
