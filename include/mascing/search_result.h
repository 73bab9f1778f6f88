// Measurements made during the search and their cost: parts of results.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/rate.h"

namespace mascing {

/// Causal effects of individual experts on the target, on the discovery split: from random masks,
/// or exact derivatives.
struct EffectsResult {
  int64_t n_pair = 0;          ///< paired interventions; 0 = none
  int64_t n_conversation = 0;  ///< conversations that were differentiated; 0 = none
  double r2 = 0.0;             ///< leave-one-out share of variance explained by the effects
  double reliability = 0.0;    ///< share of variance between effects that is not measurement error
  int64_t n_significant = 0;   ///< effects with a q-value up to 0.05
  std::vector<float> effect;   ///< [L, E] nats of margin per unit of the mask's entry
  std::vector<float> standard_error;         ///< [L, E]; of derivatives, over conversations
  std::vector<float> q_value;                ///< [L, E] false discovery rate
  int64_t n_layer_pair = 0;                  ///< pairs that perturbed whole layers
  std::vector<double> layer_effect;          ///< [L] nats per sigma along the routing difference
  std::vector<double> layer_standard_error;  ///< [L]
  std::vector<double> layer_q_value;         ///< [L]
  /// [L, E] the layer's effect times the expert's share in the routing difference
  std::vector<std::vector<double>> carried;

  [[nodiscard]] bool is_measured() const { return n_pair + n_conversation > 0; }
};

/// One step of the closed loop, as measured on the discovery split.
struct LoopStepResult {
  double norm = 0.0;                     ///< |S|
  std::map<std::string, double> values;  ///< wanted share of the target, its drop in hold and keep
                                         ///< sets, divergence of texts
};

/// Replies to conversations of one set's discovery split, of those that have a verdict with and
/// without the mask.
struct SeenReplies {
  int64_t n = 0;
  int64_t n_wanted_before = 0;  ///< without the mask
  int64_t n_wanted = 0;
  int64_t n_left_out = 0;  ///< conversations that were asked and lack one of the verdicts
};

/// What replies under the mask of a step showed the closed loop.
struct LoopLookResult {
  int64_t n_step = 0;  ///< steps before the look
  std::map<std::string, SeenReplies> sets;
};

/// Which entries bring about the change of the target's margin between no mask and the closed
/// loop's: derivatives integrated along the path, as means over conversations of the discovery
/// split.
struct AttributionResult {
  int64_t n_conversation = 0;             ///< 0 = not measured
  double change = 0.0;                    ///< nats of margin, measured at both ends
  double attributed = 0.0;                ///< sum of all parts; near `change` if they hold
  std::vector<std::vector<double>> part;  ///< [L, E] nats
  std::vector<std::vector<double>> standard_error;  ///< [L, E] over conversations
};

struct LoopResult {
  /// Whose loop it is: "closed_loop" or "router_adapter"; empty in results of earlier versions, and
  /// where no loop ran.
  std::string method;
  std::string gradients;  ///< "exact", or "pairs" of random masks; empty: no loop ran
  std::vector<LoopStepResult> steps;
  std::vector<LoopLookResult> looks;
  std::map<std::string, double> limits;  ///< limits of all values except the target's
  int64_t i_best = 0;                    ///< last step averaged into the mask
  int64_t n_stretch = 0;                 ///< number of averaged steps
  int64_t n_question = 0;                ///< number of prefills; exact: each differentiated
  int64_t n_token =
      0;  ///< of prefills, effects and costs included; differentiated ones count three times
  AttributionResult attribution;
};

/// How well the margin of a set tells the unsteered model's judged replies apart: discovery split,
/// openings fitted without the topic that is tried.
struct MarginResult {
  /// "two_sided", "wanted_only" or "unwanted_only": whose openings are compared, with those of the
  /// other kind or with everything else.
  std::string form;
  int64_t n_wanted = 0;  ///< judged replies with the wanted outcome; 0 and 0: not checked
  int64_t n_unwanted = 0;
  double coverage_wanted = 0.0;  ///< share of the kind that begins with its openings, held out
  double coverage_unwanted = 0.0;
  double auc = 0.5;
  double p_value = 1.0;        ///< one-sided permutation test of the AUC
  bool is_usable = false;      ///< AUC of 0.75 or more, and beyond chance
  bool at_conclusion = false;  ///< asked at the last sentence of the reasoning, not behind it
  bool is_calibrated = false;  ///< zero and slope come from the verdicts, not from coverage
  double zero = 0.0;           ///< nats: margin at which both outcomes are equally likely
  double slope = 0.0;          ///< p(wanted) = sigmoid(slope (margin - zero)), per nat
};

/// How well the margin of one prefill predicts the generated reply.
struct OutcomeResult {
  int64_t n = 0;  ///< replies of the selection split, both without a mask and with the finalists
  double auc = 0.0;
  double rank_correlation = 0.0;  ///< Spearman correlation between margin and wanted outcome
  std::map<std::string, MarginResult> held_out = {};  ///< metric -> the unsteered model, beforehand
};

/// Cost of the search before the test split was used.
struct SearchResult {
  std::string chosen_by;  ///< "rule" or "user"; empty if nothing was chosen yet
  /// Metric id -> rate on the selection split, without a mask; none of results of earlier versions.
  std::map<std::string, Rate> base;
  /// All that earlier versions wrote of it: the target's rate, without interval and count.
  std::optional<double> earlier_base_rate = std::nullopt;
  double base_perplexity = 0.0;   ///< of its general text; 0: there is none
  int64_t n_prefill_token = 0;    ///< each request counted once, including cached ones
  int64_t n_generated_token = 0;  ///< without the labelling, which every method needs
  /// Tokens the paper's sweep would generate on the same data, with 32 masks and the unsteered
  /// model on the selection split; estimated from the unsteered replies. 0 = not known.
  int64_t n_paper_token = 0;
  std::string budget;                  ///< as given; empty = none
  double budget_spent = 0.0;           ///< spent share of a token budget, above 1 if exceeded
  std::vector<std::string> cut_short;  ///< what a spent budget skipped, in words

  /// Of the target on the selection split, without a mask; 0 where it is not known.
  [[nodiscard]] double base_rate(const std::string& target) const {
    const auto found = base.find(target);
    return found == base.end() ? earlier_base_rate.value_or(0.0) : found->second.rate;
  }
};

}  // namespace mascing
