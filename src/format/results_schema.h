// The structs of results.json, each described once as a list of (key, field) for a writer and a
// reader to walk. docs/results.md explains every key.
#pragma once

#include "format/candidate_schema.h"
#include "format/cost_schema.h"
#include "format/export_schema.h"
#include "format/judges_schema.h"
#include "format/protocol_schema.h"
#include "format/routing_schema.h"
#include "format/search_schema.h"
#include "format/surrogate_schema.h"
#include "format/verdict_schema.h"
#include "mascing/results.h"

namespace mascing {

// `later` is a field that earlier versions did not write.

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
void describe(Io& io, PowerResult& power) {
  io.field("n_test", power.n_test);
  io.field("n_base", power.n_base);
  io.field("n_base_wanted", power.n_base_wanted);
  io.field("base_rate", power.base_rate);
  io.field("n_to_fix", power.n_to_fix);
  io.field("n_to_fix_most", power.n_to_fix_most);
  io.field("n_least_fixed", power.n_least_fixed);
  io.field("least_rise", power.least_rise);
  io.field("sure_rise", power.sure_rise);
}

template <typename Io>
void describe_mask(Io& io, Results& results) {
  io.section("mask", [&](Io& mask) {
    mask.field("file", results.mask_file);
    mask.field("method", results.mask_method);
    mask.field("alpha", results.mask_alpha);
    mask.field("lambda", results.mask_lambda);
    mask.field("n_active", results.mask_n_active);
    mask.matrix("steer", results.mask_steer, results.n_layer, results.n_expert);
  });
}

template <typename Io>
void describe(Io& io, Results& results) {
  describe_origin(io, results);
  io.later("verdict", results.verdict);
  io.field("metrics", results.metrics);
  io.later("judges", results.judges);
  io.later("protocol", results.protocol);
  io.field("damage", results.damage);
  describe_mask(io, results);
  io.later("routing", results.routing);
  io.section("cost", [&](Io& cost) { describe_cost(cost, results); });
  io.section("effects", [&](Io& effects) {
    effects.field("n_pair", results.effects.n_pair);
    effects.later("n_conversation", results.effects.n_conversation);
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
  io.later("adapter_loop", results.adapter_loop);
  io.field("outcome", results.outcome);
  io.later("search", results.search);
  io.section("surrogate", [&](Io& surrogate) {
    surrogate.field("runs", results.surrogates);
    surrogate.later("interventional", results.interventional);
  });
  io.field("labels", results.labels);
  io.later("confounds", results.confounds);
  io.later("power", results.power);
  io.field("candidates", results.candidates);
  io.later("random_masks", results.random_masks);
  io.later("exports", results.exports);
  io.field("skipped", results.skipped);
  io.field("warnings", results.warnings);
}

}  // namespace mascing
