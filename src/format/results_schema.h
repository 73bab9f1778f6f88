// The structs of results.json, each described once as a list of (key, field) for a writer and a
// reader to walk. docs/results.md explains every key.
#pragma once

#include "format/export_schema.h"
#include "format/judges_schema.h"
#include "format/search_schema.h"
#include "format/surrogate_schema.h"
#include "mascing/results.h"

namespace mascing {

// `later` is a field that earlier versions did not write.

template <typename Io>
void describe(Io& io, Rate& rate) {
  io.field("rate", rate.rate);
  io.field("low", rate.low);
  io.field("high", rate.high);
}

template <typename Io>
void describe(Io& io, ReplyCounts& counts) {
  io.field("n", counts.n);
  io.field("at_limit", counts.n_at_limit);
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
}

template <typename Io>
void describe(Io& io, DamageResult& damage) {
  io.field("kl_benign", damage.kl_benign);
  io.field("perplexity_base", damage.perplexity_base);
  io.field("perplexity_steered", damage.perplexity_steered);
  io.field("n_kl_token", damage.n_kl_token);
  io.field("n_text_token", damage.n_text_token);
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
  io.field("feasible", candidate.feasible);
  io.field("rejection_reason", candidate.rejection_reason);
  io.later("breaks_limit", candidate.breaks_limit);
  io.field("perplexity", candidate.perplexity);
  io.field("kl_benign", candidate.kl_benign);
  io.later("kl_first", candidate.kl_first);
  io.field("rates", candidate.rates);
  io.field("estimates", candidate.estimates);
  io.later("setting", candidate.setting);
  io.later("metrics", candidate.metrics);
  io.later("damage", candidate.damage);
  io.later("p_versus_chosen", candidate.p_versus_chosen);
  io.later("p_versus_chosen_holm", candidate.p_versus_chosen_holm);
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

template <typename Io>
void describe(Io& io, Skipped& skipped) {
  io.field("id", skipped.id);
  io.field("reason", skipped.reason);
}

template <typename Io>
void describe(Io& io, Warning& warning) {
  io.field("id", warning.id);
  io.field("text", warning.text);
  io.field("advice", warning.advice);
}

template <typename Io>
void describe_origin(Io& io, Results& results) {
  io.section("tool", [&](Io& tool) {
    tool.field("version", results.tool_version);
    tool.field("seed", results.seed);
    tool.field("threads", results.n_thread);
    tool.field("command", results.command);
  });
  io.section("scenario", [&](Io& scenario) {
    scenario.field("name", results.scenario_name);
    scenario.field("direction", results.direction);
    scenario.field("target_metric", results.target_metric);
  });
  io.section("model", [&](Io& model) {
    model.field("name", results.model_name);
    model.field("description", results.model_description);
    model.field("fingerprint", results.fingerprint);
    model.field("architecture", results.architecture);
    model.field("n_layer_moe", results.n_layer);
    model.field("n_expert", results.n_expert);
    model.field("n_expert_used", results.n_expert_used);
  });
}

template <typename Io>
void describe(Io& io, ConfoundResult& confounds) {
  io.field("n", confounds.n);
  io.field("topic_auc", confounds.topic_auc);
  io.field("length_auc", confounds.length_auc);
  io.field("turn_auc", confounds.turn_auc);
}

template <typename Io>
void describe(Io& io, Results& results) {
  describe_origin(io, results);
  io.field("metrics", results.metrics);
  io.later("judges", results.judges);
  io.field("damage", results.damage);
  io.section("mask", [&](Io& mask) {
    mask.field("file", results.mask_file);
    mask.field("method", results.mask_method);
    mask.field("alpha", results.mask_alpha);
    mask.field("lambda", results.mask_lambda);
    mask.field("n_active", results.mask_n_active);
    mask.matrix("steer", results.mask_steer, results.n_layer, results.n_expert);
  });
  io.section("cost", [&](Io& cost) {
    cost.field("seconds", results.seconds);
    cost.field("prefill_tokens", results.n_prefill_token);
    cost.field("generated_tokens", results.n_generated_token);
    cost.later("baseline_prefill_tokens", results.n_baseline_prefill_token);
    cost.later("baseline_generated_tokens", results.n_baseline_generated_token);
    cost.section("tokens_per_second", [&](Io& speed) {
      speed.field("base", results.tokens_per_second_base);
      speed.field("steered", results.tokens_per_second_steered);
    });
  });
  io.section("effects", [&](Io& effects) {
    effects.field("n_pair", results.effects.n_pair);
    effects.field("r2", results.effects.r2);
    effects.field("reliability", results.effects.reliability);
    effects.field("n_significant", results.effects.n_significant);
    effects.matrix("effect", results.effects.effect, results.n_layer, results.n_expert);
    effects.matrix(
        "standard_error", results.effects.standard_error, results.n_layer, results.n_expert);
    effects.matrix("q_value", results.effects.q_value, results.n_layer, results.n_expert);
    effects.later("layer_pairs", results.effects.n_layer_pair);
    effects.later("layer_effect", results.effects.layer_effect);
    effects.later("layer_standard_error", results.effects.layer_standard_error);
    effects.later("layer_q_value", results.effects.layer_q_value);
    effects.later("carried", results.effects.carried);
  });
  io.field("loop", results.loop);
  io.field("outcome", results.outcome);
  io.later("search", results.search);
  io.section("surrogate", [&](Io& surrogate) {
    surrogate.field("runs", results.surrogates);
    surrogate.later("interventional", results.interventional);
  });
  io.field("labels", results.labels);
  io.later("confounds", results.confounds);
  io.field("candidates", results.candidates);
  io.later("random_masks", results.random_masks);
  io.later("exports", results.exports);
  io.field("skipped", results.skipped);
  io.field("warnings", results.warnings);
}

}  // namespace mascing
