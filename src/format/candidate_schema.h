// Metrics and candidates of results.json, for results_schema.h.
#pragma once

#include "mascing/candidate_result.h"
#include "mascing/metric_result.h"
#include "mascing/rate.h"

namespace mascing {

// `later` is a field that earlier versions did not write.

template <typename Io>
void describe(Io& io, Rate& rate) {
  io.field("rate", rate.rate);
  io.field("low", rate.low);
  io.field("high", rate.high);
  io.later("n", rate.n);
}

template <typename Io>
void describe(Io& io, ReplyCounts& counts) {
  io.field("n", counts.n);
  io.field("at_limit", counts.n_at_limit);
  io.later("unfinished", counts.n_unfinished);
  io.field("refusals", counts.n_refusal);
  io.field("turned", counts.n_turned);
}

template <typename Io>
void describe(Io& io, SampledResult& sampled) {
  io.field("temperature", sampled.temperature);
  io.field("n_seed", sampled.n_seed);
  io.field("n_conversation", sampled.n_conversation);
  io.field("base", sampled.base);
  io.field("steered", sampled.steered);
  io.field("change", sampled.change);
}

template <typename Io>
void describe(Io& io, CategoryResult& category) {
  io.field("n", category.n);
  io.field("base", category.base);
  io.field("steered", category.steered);
}

template <typename Io>
void describe(Io& io, TopicResult& topics) {
  io.field("n", topics.n_topic);
  io.field("change", topics.change);
  io.field("p_value", topics.p_value);
  io.later("p_holm", topics.p_holm);
}

template <typename Io>
void describe(Io& io, MetricResult& metric) {
  io.field("split", metric.split);
  io.field("wanted", metric.wanted);
  io.field("n", metric.n);
  io.field("base", metric.base);
  io.field("steered", metric.steered);
  io.field("fixed", metric.fixed);
  io.field("broken", metric.broken);
  io.field("p_value", metric.p_value);
  io.later("p_holm", metric.p_holm);
  io.later("base_replies", metric.base_replies);
  io.later("steered_replies", metric.steered_replies);
  io.later("sampled", metric.sampled);
  io.later("categories", metric.categories);
  io.later("role", metric.role);
  io.later("max_drop", metric.max_drop);
  io.later("left_out", metric.n_left_out);
  io.later("seen", metric.n_seen);
  io.later("shared", metric.n_shared);
  io.later("topics", metric.topics);
}

template <typename Io>
void describe(Io& io, DamageResult& damage) {
  io.field("kl_benign", damage.kl_benign);
  io.field("perplexity_base", damage.perplexity_base);
  io.field("perplexity_steered", damage.perplexity_steered);
  io.field("n_kl_token", damage.n_kl_token);
  io.field("n_text_token", damage.n_text_token);
  io.later("chat_perplexity_base", damage.chat_perplexity_base);
  io.later("chat_perplexity_steered", damage.chat_perplexity_steered);
  io.later("n_chat_text_token", damage.n_chat_text_token);
}

template <typename Io>
void describe(Io& io, CandidateResult& candidate) {
  io.later("role", candidate.role);
  io.field("method", candidate.method);
  io.field("lambda", candidate.lambda);
  io.field("epochs", candidate.epochs);
  io.field("preserve", candidate.preserve);
  io.field("guard", candidate.guard);
  io.field("seed", candidate.seed);
  io.field("alpha", candidate.alpha);
  io.field("n_active", candidate.n_active);
  io.later("chosen", candidate.is_chosen);
  io.field("feasible", candidate.feasible);
  io.field("rejection_reason", candidate.rejection_reason);
  io.later("breaks_limit", candidate.breaks_limit);
  io.field("perplexity", candidate.perplexity);
  io.field("kl_benign", candidate.kl_benign);
  io.later("kl_first", candidate.kl_first);
  io.field("rates", candidate.rates);
  io.later("left_out", candidate.left_out);
  io.field("estimates", candidate.estimates);
  io.later("setting", candidate.setting);
  io.later("metrics", candidate.metrics);
  io.later("damage", candidate.damage);
  io.later("p_versus_chosen", candidate.p_versus_chosen);
  io.later("p_versus_chosen_holm", candidate.p_versus_chosen_holm);
  io.later("topics_versus_chosen", candidate.topics_versus_chosen);
}

template <typename Io>
void describe(Io& io, RandomMasks& random) {
  io.field("n_mask", random.n_mask);
  io.field("n", random.n);
  io.field("norm", random.norm);
  io.field("alpha", random.alpha);
  io.field("mean", random.mean);
  io.field("sd", random.sd);
  io.field("least", random.least);
  io.field("quartile_1", random.quartile_1);
  io.field("median", random.median);
  io.field("quartile_3", random.quartile_3);
  io.field("most", random.most);
  io.field("p_value", random.p_value);
  io.field("rates", random.rates);
}

}  // namespace mascing
