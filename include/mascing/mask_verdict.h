// The verdict on a mask after its test: ready to use, use with care, or do not use, with reasons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// Where a verdict turns: `[verdict]` of a scenario. Rates and losses are shares.
struct VerdictLimits {
  double least_rate = 0.8;             ///< target rate with the mask; below: with care
  double care_loss = 0.02;             ///< of a rate without a limit of its own; more: with care
  double max_loss = 0.1;               ///< of any protected rate; more: do not use
  double care_perplexity_rise = 0.05;  ///< relative; more: with care
  double max_perplexity_rise = 0.25;   ///< likewise; more: do not use
  double care_divergence = 0.1;        ///< nats per token of benign replies; more: with care
  double max_divergence = 0.5;         ///< likewise; more: do not use
  double max_unseen_drop = 0.1;  ///< a drop that a set could hide by its size; more: with care
};

inline constexpr const char* kReadyToUse = "ready_to_use";
inline constexpr const char* kUseWithCare = "use_with_care";
inline constexpr const char* kDoNotUse = "do_not_use";

struct VerdictReason {
  std::string about;  ///< "effect", "cost" or "protection": what was tested, and what was not
  std::string word;   ///< the verdict by this reason alone
  std::string text;   ///< one plain sentence, without a full stop
};

struct MaskVerdict {
  std::string word;                    ///< the worst of the reasons' words; empty: no test was made
  std::vector<VerdictReason> reasons;  ///< at most one of each kind
  VerdictLimits limits;
};

/// "ready to use", "use with care", "do not use".
[[nodiscard]] std::string verdict_in_words(const std::string& word);

}  // namespace mascing
