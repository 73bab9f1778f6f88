// Masks that competed on the selection split, and random ones beside them: parts of results.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/metric_result.h"
#include "mascing/rate.h"

namespace mascing {

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

}  // namespace mascing
