// The part of results.json about the search; see results_schema.h.
#pragma once

#include "mascing/search_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, LoopStepResult& step) {
  io.field("norm", step.norm);
  io.field("values", step.values);
}

template <typename Io>
void describe(Io& io, LoopResult& loop) {
  io.field("steps", loop.steps);
  io.field("limits", loop.limits);
  io.field("best_step", loop.i_best);
  io.field("stretch", loop.n_stretch);
  io.field("prefills", loop.n_question);
}

template <typename Io>
void describe(Io& io, OutcomeResult& outcome) {
  io.field("n", outcome.n);
  io.field("auc", outcome.auc);
  io.field("rank_correlation", outcome.rank_correlation);
}

template <typename Io>
void describe(Io& io, SearchResult& search) {
  io.field("chosen_by", search.chosen_by);
  io.field("base_rate", search.base_rate);
  io.field("prefill_tokens", search.n_prefill_token);
  io.field("generated_tokens", search.n_generated_token);
  io.field("paper_sweep_generated_tokens", search.n_paper_token);
  io.field("budget", search.budget);
  io.field("budget_spent", search.budget_spent);
  io.field("cut_short", search.cut_short);
}

}  // namespace mascing
