// Results of a run, the source of all tables and plots, and their JSON form
// (schema 2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/candidate_result.h"
#include "mascing/export_result.h"
#include "mascing/judges_result.h"
#include "mascing/mask_verdict.h"
#include "mascing/metric_result.h"
#include "mascing/power_result.h"
#include "mascing/protocol_result.h"
#include "mascing/routing_result.h"
#include "mascing/search_result.h"
#include "mascing/surrogate_result.h"
#include "mascing/warning.h"

namespace mascing {

/// What the model read and wrote; a token that is differentiated is read once.
struct StageTokens {
  int64_t n_prefill = 0;
  int64_t n_generated = 0;
};

struct Results {
  std::string tool_version;
  uint64_t seed = 0;
  int64_t n_thread = 0;
  std::string command;
  std::string scenario_name;
  std::string direction;
  std::string target_metric;  ///< id of the metric to change
  std::string model_name;
  std::string model_description;  ///< description stored in the model file; shown with every result
  std::string fingerprint;
  std::string architecture;
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  MaskVerdict verdict;
  std::map<std::string, MetricResult> metrics;
  JudgesResult judges;
  ProtocolResult protocol;
  DamageResult damage;
  std::string mask_file;
  std::string mask_method;
  double mask_alpha = 0.0;
  double mask_lambda = 0.0;
  int64_t mask_n_active = 0;
  std::vector<float> mask_steer;  ///< [L, E], for the plot
  RoutingResult routing;
  std::map<std::string, double> seconds;            ///< stage -> wall time
  std::map<std::string, StageTokens> stage_tokens;  ///< in this run, without what a cache held
  std::string finished_at;                          ///< UTC, "2026-03-01T12:00:00Z"
  int64_t n_prefill_token = 0;
  int64_t n_generated_token = 0;
  int64_t n_baseline_prefill_token = 0;  ///< for the baselines, which the two above do not include
  int64_t n_baseline_generated_token = 0;
  double tokens_per_second_base = 0.0;
  double tokens_per_second_steered = 0.0;
  std::map<std::string, int64_t> labels;  ///< "discovery.label_1", ...: label counts per split
  EffectsResult effects;
  LoopResult loop;                         ///< the steering matrix's, or else the router adapter's
  std::optional<LoopResult> adapter_loop;  ///< the router adapter's, where both ran
  OutcomeResult outcome;
  SearchResult search;
  std::vector<CandidateResult> candidates;
  std::optional<RandomMasks> random_masks;
  std::vector<SurrogateResult> surrogates;
  InterventionalSurrogateResult interventional;
  ConfoundResult confounds;
  PowerResult power;
  std::vector<ExportResult> exports;  ///< added by `mascing export --results`
  std::vector<Skipped> skipped;
  std::vector<Warning> warnings;
};

/// Writes results.json (docs/results.md has the schema). Keys are sorted. Everything that depends
/// on the clock is under "cost", so two runs with the same seed differ only there.
enum class JsonForm { kIndented, kCompact };
[[nodiscard]] std::string to_json(const Results& results, JsonForm form = JsonForm::kIndented);
/// Throws Error{kBadInput} naming a key that is missing or has the wrong type.
[[nodiscard]] Results results_from_json(const std::string& text, const std::string& name);

}  // namespace mascing
