// What asking the model found on the way to a mask, and what it cost: parts of results.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mascing {

/// Causal effects of single experts on the target, from random masks on the discovery split.
struct EffectsResult {
  int64_t n_pair = 0;         ///< paired interventions; 0 = not measured
  double r2 = 0.0;            ///< leave-one-out share of the variance that the effects explain
  double reliability = 0.0;   ///< share of the effects' variance that is not error
  int64_t n_significant = 0;  ///< effects with a q-value up to 0.05
  std::vector<float> effect;  ///< [L, E] nats of margin per unit of the mask's entry
  std::vector<float> standard_error;  ///< [L, E]
  std::vector<float> q_value;         ///< [L, E] false discovery rate
  int64_t n_layer_pair = 0;           ///< pairs that moved whole layers
  std::vector<double> layer_effect;   ///< [L] nats per sigma of length along the routing difference
  std::vector<double> layer_standard_error;  ///< [L]
  std::vector<double> layer_q_value;         ///< [L]
  /// [L][E] the layer's effect times the expert's part in the routing difference
  std::vector<std::vector<double>> carried;
};

/// One step of the closed loop, as the model itself answered on the discovery split.
struct LoopStepResult {
  double norm = 0.0;                     ///< |S|
  std::map<std::string, double> values;  ///< wanted share of the target, its fall in hold and keep
                                         ///< sets, divergence of texts
};

struct LoopResult {
  std::vector<LoopStepResult> steps;
  std::map<std::string, double> limits;  ///< of the values but the target's
  int64_t i_best = 0;                    ///< last of the steps whose mean is the mask
  int64_t n_stretch = 0;                 ///< number of these steps
  int64_t n_question = 0;                ///< prefills asked
};

/// How well the margin of one prefill predicts what is then generated, on the selection split.
struct OutcomeResult {
  int64_t n = 0;  ///< replies, without a mask and with those of the finalists
  double auc = 0.0;
  double rank_correlation = 0.0;  ///< Spearman's, between margin and wanted or not
};

/// What the search asked of the model before it looked at the test split.
struct SearchResult {
  std::string chosen_by;          ///< "rule", "user"; empty as long as nothing was chosen
  double base_rate = 0.0;         ///< of the target on the selection split, without a mask
  int64_t n_prefill_token = 0;    ///< read, each question once, cached answers included
  int64_t n_generated_token = 0;  ///< written, after the labelling that every method needs
  /// What the paper's sweep writes on the same data: 32 masks and the unsteered model answer the
  /// selection split; estimated from the unsteered replies. 0 = not known.
  int64_t n_paper_token = 0;
  std::string budget;         ///< as it was given; empty = none
  double budget_spent = 0.0;  ///< share of a number of tokens, above 1 where it was exceeded
  std::vector<std::string> cut_short;  ///< what a spent budget left out, in words
};

}  // namespace mascing
