// Candidate masks, baselines and random masks: parts of results.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/metric_result.h"
#include "mascing/rate.h"

namespace mascing {

/// Results of one mask at one strength on the selection split.
struct CandidateResult {
  std::string role = "candidate";  ///< or "baseline": for comparison, never selected
  std::string
      method;  ///< name of a MaskMethod, with "+guard" if guard masks were added; for baselines
               ///< also "paper", "forced_experts", "control_vector" or "system_prompt"
  std::string setting;  ///< for baselines: the setting chosen on the selection split
  double lambda = 0.0;
  int64_t epochs = 0;
  double preserve = 0.0;
  double guard = 0.0;  ///< weight of the added guard masks
  uint64_t seed = 0;
  double alpha = 0.0;
  int64_t n_active = 0;
  bool is_chosen = false;        ///< the mask of these results is this one; of no baseline
  bool feasible = false;         ///< within all limits on the selection split
  std::string rejection_reason;  ///< why it was not selected, e.g. the first broken limit
  bool breaks_limit = false;     ///< measured or estimated to break a limit; false if not checked
  double perplexity = 0.0;
  double kl_benign = 0.0;  ///< as in DamageResult, on the selection split; with only a
                           ///< prefill estimate, over the first tokens of benign replies
  double kl_first = 0.0;   ///< over the first tokens of benign replies, from the prefill estimate
  std::map<std::string, Rate> rates;  ///< metric id -> rate of generated replies
  /// Metric id -> conversations without a verdict on both sides, without which its limit was
  /// judged. Only sets that have any.
  std::map<std::string, int64_t> left_out;
  /// Metric id -> share estimated from one prefill per conversation; empty without estimates.
  std::map<std::string, double> estimates;
  std::map<std::string, MetricResult> metrics;  ///< for baselines: holdout evaluation
  std::optional<DamageResult> damage;           ///< for baselines: holdout evaluation
  /// For baselines: p-value of McNemar's test against the chosen mask on the target metric, raw and
  /// corrected for the number of baselines (Holm).
  std::optional<double> p_versus_chosen;
  std::optional<double> p_versus_chosen_holm;
  /// The same comparison over topics, as the change from the baseline to the chosen mask.
  std::optional<TopicResult> topics_versus_chosen;
};

/// Target metric under random masks with the same norm as the chosen one.
struct RandomMasks {
  int64_t n_mask = 0;
  int64_t n = 0;  ///< conversations of the test split
  double norm = 0.0;
  double alpha = 0.0;
  double mean = 0.0;
  double sd = 0.0;
  double least = 0.0;
  double quartile_1 = 0.0;
  double median = 0.0;
  double quartile_3 = 0.0;
  double most = 0.0;
  double p_value = 1.0;  ///< one-sided, from the rank of the chosen mask's rate
  std::vector<double> rates;
};

}  // namespace mascing
