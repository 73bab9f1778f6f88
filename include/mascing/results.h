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
#include "mascing/search_result.h"
#include "mascing/surrogate_result.h"

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
  bool feasible = false;         ///< within all limits on the selection split
  std::string rejection_reason;  ///< first limit that is broken
  bool breaks_limit = false;     ///< seen or estimated to break one; false as well if nobody looked
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
  InterventionalSurrogateResult interventional;
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
