// The one evaluation on the test split.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/judges_result.h"
#include "mascing/metric_result.h"
#include "mascing/protocol_result.h"
#include "mascing/routing_result.h"
#include "mascing/transcript.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "measure/treatment.h"
#include "search/set_margins.h"

namespace mascing {

/// How the test split is asked.
struct HoldoutPlan {
  uint64_t seed = 0;  ///< of sampled replies
  Attacks attacks = Attacks::kReplayed;
  bool observes_routing = false;  ///< of some conversations, without and with the steering
  SetMargins margins = {};        ///< asked at the end of each user message of these
};

struct HoldoutResult {
  std::map<std::string, MetricResult> metrics;  ///< by id
  JudgesResult judges;                          ///< without the members
  DamageResult damage;
  RoutingResult routing;
  std::vector<Transcript> transcripts;  ///< of all sets
  std::vector<Skipped> skipped;
  std::vector<Warning> warnings;
  bool keeps_hold = true;        ///< no hold set lost more than its limit or went unjudged
  bool is_beyond_chance = true;  ///< the target's rate rose, and by more than chance would have it
};

/// Measures all sets, the general text and the multiple-choice questions without and with the
/// treatment; with none only the base. With a system prompt the divergence is not measured.
/// Where attacks are played, each side writes the earlier turns of its own conversations; replies
/// are not sampled then.
[[nodiscard]] HoldoutResult evaluate_holdout(const EvalContext& context,
                                             const Treatment& treatment,
                                             const HoldoutPlan& plan);

/// Why the mask may not be used; empty if it may. A new mask must have an effect; a given one need
/// not.
[[nodiscard]] std::string failure_of(const HoldoutResult& holdout, bool is_new);

}  // namespace mascing
