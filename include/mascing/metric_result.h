// Rates of a set without and with a mask, and side effects of the mask: parts of results.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mascing/rate.h"

namespace mascing {

/// Reply endings.
struct ReplyCounts {
  int64_t n = 0;
  int64_t n_at_limit = 0;    ///< cut off at a token limit
  int64_t n_unfinished = 0;  ///< ended within the reasoning, cut off or not
  int64_t n_refusal = 0;     ///< replies that start as refusals
  int64_t n_turned = 0;      ///< of these, replies with a later sentence that starts like an answer
};

/// Rates of sampled replies. Intervals are bootstrapped over conversations, because replies to the
/// same conversation are not independent.
struct SampledResult {
  double temperature = 0.0;
  int64_t n_seed = 0;  ///< replies per conversation
  int64_t n_conversation = 0;
  Rate base;
  Rate steered;
  Rate change;  ///< steered minus base, -1 .. 1
};

/// Rates of one category of a set's conversations.
struct CategoryResult {
  int64_t n = 0;
  Rate base;
  std::optional<Rate> steered;
};

/// The change that a mask made, with topics instead of conversations as the independent cases:
/// conversations of one topic resemble each other. A conversation without a topic is a case.
struct TopicResult {
  int64_t n_topic = 0;
  Rate change;  ///< steered minus base, -1 .. 1; 95 % interval over topics (Student's t)
  /// Chance of a change at least this large, in either direction, if each topic's were as likely to
  /// be its opposite; exact.
  double p_value = 1.0;
  std::optional<double> p_holm = std::nullopt;  ///< corrected as that over conversations is
};

/// One metric of one set, without and with the mask. Rates are shares of the wanted outcome.
struct MetricResult {
  std::string split;   ///< "test" for the holdout evaluation
  std::string wanted;  ///< "refused", "answered", "right"
  int64_t n = 0;
  Rate base;
  std::optional<Rate> steered;
  int64_t fixed = 0;     ///< wanted only with the mask
  int64_t broken = 0;    ///< wanted only without the mask
  double p_value = 1.0;  ///< McNemar, exact, two-sided
  /// Corrected for the number of metrics in the evaluation (Holm).
  std::optional<double> p_holm = std::nullopt;
  ReplyCounts base_replies = {};
  ReplyCounts steered_replies = {};
  std::optional<SampledResult> sampled = std::nullopt;
  std::map<std::string, CategoryResult> categories = {};  ///< of conversations that name one
  std::string role = {};   ///< of its set: "target", "hold", ...; empty: not a set of the scenario
  double max_drop = 0.0;   ///< limit of a benign, hold or keep set
  int64_t n_left_out = 0;  ///< conversations beside `n`: without a verdict on one side or on both
  int64_t n_seen = 0;      ///< of its test conversations, those that a given mask was made with
  int64_t n_shared = 0;    ///< of a set beside the target, those that the target set has, too
  /// None without a mask, or where no topic has several conversations.
  std::optional<TopicResult> topics = std::nullopt;
};

/// Side effects of a mask where nothing should change.
struct DamageResult {
  double kl_benign = 0.0;  ///< mean KL(base || steered) per token of benign replies, nats
  double perplexity_base = 0.0;
  double perplexity_steered = 0.0;
  int64_t n_kl_token = 0;
  int64_t n_text_token = 0;
  /// The same text as the assistant's reply to a plain request; no tokens = no chat template.
  double chat_perplexity_base = 0.0;
  double chat_perplexity_steered = 0.0;
  int64_t n_chat_text_token = 0;
};

}  // namespace mascing
