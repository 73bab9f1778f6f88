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
void describe(Io& io, SeenReplies& seen) {
  io.field("n", seen.n);
  io.field("wanted_before", seen.n_wanted_before);
  io.field("wanted", seen.n_wanted);
  io.later("left_out", seen.n_left_out);
}

template <typename Io>
void describe(Io& io, LoopLookResult& look) {
  io.field("after_step", look.n_step);
  io.field("sets", look.sets);
}

template <typename Io>
void describe(Io& io, AttributionResult& attribution) {
  io.field("n_conversation", attribution.n_conversation);
  io.field("change", attribution.change);
  io.field("attributed", attribution.attributed);
  io.field("part", attribution.part);
  io.field("standard_error", attribution.standard_error);
}

template <typename Io>
void describe(Io& io, LoopResult& loop) {
  io.later("method", loop.method);
  io.later("gradients", loop.gradients);
  io.field("steps", loop.steps);
  io.later("looks", loop.looks);
  io.field("limits", loop.limits);
  io.field("best_step", loop.i_best);
  io.field("stretch", loop.n_stretch);
  io.field("prefills", loop.n_question);
  io.later("prefill_tokens", loop.n_token);
  io.later("attribution", loop.attribution);
}

template <typename Io>
void describe(Io& io, MarginResult& margin) {
  io.field("form", margin.form);
  io.field("n_wanted", margin.n_wanted);
  io.field("n_unwanted", margin.n_unwanted);
  io.field("coverage_wanted", margin.coverage_wanted);
  io.field("coverage_unwanted", margin.coverage_unwanted);
  io.field("auc", margin.auc);
  io.field("p_value", margin.p_value);
  io.field("usable", margin.is_usable);
  io.later("at_conclusion", margin.at_conclusion);
  io.field("calibrated", margin.is_calibrated);
  io.field("zero", margin.zero);
  io.field("slope", margin.slope);
}

template <typename Io>
void describe(Io& io, OutcomeResult& outcome) {
  io.field("n", outcome.n);
  io.field("auc", outcome.auc);
  io.field("rank_correlation", outcome.rank_correlation);
  io.later("held_out", outcome.held_out);
}

template <typename Io>
void describe(Io& io, SearchResult& search) {
  io.field("chosen_by", search.chosen_by);
  io.field("prefill_tokens", search.n_prefill_token);
  io.field("generated_tokens", search.n_generated_token);
  io.field("paper_sweep_generated_tokens", search.n_paper_token);
  io.field("budget", search.budget);
  io.field("budget_spent", search.budget_spent);
  io.field("cut_short", search.cut_short);
  io.later("base", search.base);
  io.earlier("base_rate", search.earlier_base_rate);
  io.later("base_perplexity", search.base_perplexity);
}

}  // namespace mascing
