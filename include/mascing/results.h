// What a run found: one struct from which every table and picture is drawn, and its JSON form
// (schema 1).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/export_result.h"
#include "mascing/judges_result.h"

namespace mascing {

/// A share with its 95 % Wilson interval.
struct Rate {
  double rate = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// What replies looked like at their ends.
struct ReplyCounts {
  int64_t n = 0;
  int64_t n_at_limit = 0;  ///< cut off at the token limit
  int64_t n_refusal = 0;   ///< begin as refusals
  int64_t n_turned = 0;    ///< of these: a later sentence begins as an answer does
};

/// Rates of sampled replies. The intervals are bootstrapped over conversations: replies to one
/// conversation are no independent cases.
struct SampledResult {
  double temperature = 0.0;
  int64_t n_seed = 0;  ///< replies to each conversation
  int64_t n_conversation = 0;
  Rate base;
  Rate steered;
  Rate change;  ///< steered minus base, -1 .. 1
};

/// One metric over one set, without and with the mask. Rates count the wanted outcome.
struct MetricResult {
  std::string split;   ///< "test" in the final table
  std::string wanted;  ///< "refused", "answered", "right"
  int64_t n = 0;
  Rate base;
  std::optional<Rate> steered;
  int64_t fixed = 0;     ///< wanted only with the mask
  int64_t broken = 0;    ///< wanted only without the mask
  double p_value = 1.0;  ///< McNemar, exact, two-sided
  /// The same corrected for the number of metrics of the test (Holm); not of baselines.
  std::optional<double> p_holm = std::nullopt;
  ReplyCounts base_replies = {};
  ReplyCounts steered_replies = {};
  std::optional<SampledResult> sampled = std::nullopt;
};

struct DamageResult {
  double kl_benign = 0.0;  ///< mean KL(base || steered) per token of benign replies, nats
  double perplexity_base = 0.0;
  double perplexity_steered = 0.0;
  int64_t n_kl_token = 0;
  int64_t n_text_token = 0;
};

/// One mask at one strength as the selection split saw it.
struct CandidateResult {
  std::string role = "candidate";  ///< or "baseline": never chosen, there to be beaten
  std::string method;  ///< a MaskMethod's name; "+guard" where guard masks were added; of baselines
                       ///< "paper", "forced_experts", "control_vector", "system_prompt", too
  std::string setting;  ///< of baselines: what was chosen on the selection split, in words
  double lambda = 0.0;
  int64_t epochs = 0;
  double preserve = 0.0;
  double guard = 0.0;  ///< weight of the guard masks that were added
  uint64_t seed = 0;
  double alpha = 0.0;
  int64_t n_active = 0;
  bool feasible = false;      ///< within all limits on the selection split
  std::string why_not;        ///< first limit that is broken
  bool breaks_limit = false;  ///< seen or estimated to break one; false as well if nobody looked
  double perplexity = 0.0;
  double kl_benign = 0.0;  ///< as in DamageResult, on the selection split; of trials that were only
                           ///< screened, over the first tokens of benign replies
  double kl_first = 0.0;   ///< of the first tokens of benign replies, of every screened trial
  std::map<std::string, Rate> rates;  ///< metric id -> rate of generated replies there
  /// Metric id -> share estimated from one prefill per conversation; empty if none was needed.
  std::map<std::string, double> estimates;
  std::map<std::string, MetricResult> metrics;  ///< of baselines: the final test
  std::optional<DamageResult> damage;           ///< likewise
  /// Of baselines: McNemar's test against the chosen mask on the target metric, as it is and
  /// corrected for the number of baselines (Holm).
  std::optional<double> p_versus_chosen;
  std::optional<double> p_versus_chosen_holm;
};

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

/// What masks that mean nothing do to the target metric: random ones as long as the chosen one.
struct RandomMasks {
  int64_t n_mask = 0;
  int64_t n = 0;  ///< conversations, of the test split
  double norm = 0.0;
  double alpha = 0.0;
  double mean = 0.0;
  double sd = 0.0;
  double least = 0.0;
  double quartile_1 = 0.0;
  double median = 0.0;
  double quartile_3 = 0.0;
  double most = 0.0;
  double p_value = 1.0;  ///< one-sided rank of the chosen mask's rate among theirs
  std::vector<double> rates;
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

/// How well surrogates trained on all folds of topics but one tell the labels of that one.
struct CrossValidationResult {
  int64_t n_fold = 0;  ///< 0 = too few conversations for two
  double auc = 0.5;
  double low = 0.0;  ///< of the AUC's 95 % interval
  double high = 1.0;
  double length_auc = 0.5;  ///< of the number of tokens alone
  double topic_auc = 0.5;   ///< of the topic's other conversations alone
  double calibration_error = 0.0;
  double saturated_share = 0.0;  ///< of predictions nearer than 0.001 to 0 or 1
};

struct SurrogateResult {
  uint64_t seed = 0;
  int64_t n_train = 0;
  int64_t n_validation = 0;
  double validation_accuracy = 0.0;
  double validation_auc = 0.0;
  double majority_accuracy = 0.0;
  double length_auc = 0.0;
  int64_t best_epoch = 0;
  CrossValidationResult cross_validation = {};
};

/// How well the label of the target's discovery split can be told without the model; AUCs, 0.5 =
/// not at all.
struct ConfoundResult {
  int64_t n = 0;  ///< labelled conversations; 0 = not measured
  double topic_auc = 0.5;
  double length_auc = 0.5;  ///< of the number of tokens of the final user message
  double turn_auc = 0.5;    ///< of the number of user turns
};

struct Warning {
  std::string id;      ///< stable, e.g. "keep_answered_fell"
  std::string text;    ///< what was seen
  std::string advice;  ///< what to do
};

/// A conversation that was left out, and why.
struct Skipped {
  std::string id;
  std::string reason;
};

struct Results {
  std::string tool_version;
  uint64_t seed = 0;
  int64_t n_thread = 0;
  std::string command;
  std::string scenario_name;
  std::string direction;
  std::string target_metric;  ///< id of the metric that was to change
  std::string model_name;
  std::string
      model_description;  ///< the model file's own words about itself; shown with every result
  std::string fingerprint;
  std::string architecture;
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  std::map<std::string, MetricResult> metrics;
  JudgesResult judges;
  DamageResult damage;
  std::string mask_file;
  std::string mask_method;
  double mask_alpha = 0.0;
  double mask_lambda = 0.0;
  int64_t mask_n_active = 0;
  std::vector<float> mask_steer;          ///< [L, E], for the picture
  std::map<std::string, double> seconds;  ///< stage -> wall time
  int64_t n_prefill_token = 0;
  int64_t n_generated_token = 0;
  int64_t n_baseline_prefill_token = 0;  ///< of the baselines, which the two above do not count
  int64_t n_baseline_generated_token = 0;
  double tokens_per_second_base = 0.0;
  double tokens_per_second_steered = 0.0;
  std::map<std::string, int64_t> labels;  ///< "discovery.label_1", ...: how the data divided
  EffectsResult effects;
  LoopResult loop;
  OutcomeResult outcome;
  SearchResult search;
  std::vector<CandidateResult> candidates;
  std::optional<RandomMasks> random_masks;
  std::vector<SurrogateResult> surrogates;
  ConfoundResult confounds;
  std::vector<ExportResult> exports;  ///< added by `mascing export --results`
  std::vector<Skipped> skipped;
  std::vector<Warning> warnings;
};

/// results.json: see docs/results.md for the schema. Keys are sorted; everything that depends on
/// the clock stands under "cost", so that two runs with one seed differ there only.
[[nodiscard]] std::string to_json(const Results& results);
/// Throws Error{kBadInput} naming the key that is missing or of the wrong type.
[[nodiscard]] Results results_from_json(const std::string& text, const std::string& name);

}  // namespace mascing
