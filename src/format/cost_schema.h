// What a run took, for results_schema.h.
#pragma once

#include "mascing/results.h"

namespace mascing {

template <typename Io>
void describe(Io& io, StageTokens& tokens) {
  io.field("prefill", tokens.n_prefill);
  io.field("generated", tokens.n_generated);
}

template <typename Io>
void describe_cost(Io& io, Results& results) {
  io.field("seconds", results.seconds);
  io.later("stage_tokens", results.stage_tokens);
  io.later("finished_at", results.finished_at);
  io.field("prefill_tokens", results.n_prefill_token);
  io.field("generated_tokens", results.n_generated_token);
  io.later("baseline_prefill_tokens", results.n_baseline_prefill_token);
  io.later("baseline_generated_tokens", results.n_baseline_generated_token);
  io.section("tokens_per_second", [&](Io& speed) {
    speed.field("base", results.tokens_per_second_base);
    speed.field("steered", results.tokens_per_second_steered);
  });
}

}  // namespace mascing
