// Rates of one set without and with a mask, and what else the mask changes: parts of results.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mascing/rate.h"

namespace mascing {

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

/// What a mask costs where nothing should change.
struct DamageResult {
  double kl_benign = 0.0;  ///< mean KL(base || steered) per token of benign replies, nats
  double perplexity_base = 0.0;
  double perplexity_steered = 0.0;
  int64_t n_kl_token = 0;
  int64_t n_text_token = 0;
};

}  // namespace mascing
