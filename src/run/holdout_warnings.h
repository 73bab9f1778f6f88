// What of a test is worth a warning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/metric_result.h"
#include "mascing/scenario.h"
#include "mascing/warning.h"

namespace mascing {

/// False for a target whose rate did not rise, or by no more than chance would have it.
[[nodiscard]] bool is_beyond_chance(const ScenarioSet& set, const MetricResult& result);
/// False for a set with a limit that lost more than that.
[[nodiscard]] bool keeps_limit(const ScenarioSet& set, const MetricResult& result);
/// Of what the two say.
[[nodiscard]] std::vector<Warning> limit_warnings(const ScenarioSet& set,
                                                  const MetricResult& result);

/// Refusals that hold at the beginning only, where a mask brings them about.
[[nodiscard]] std::vector<Warning> turn_warnings(const std::string& metric,
                                                 const MetricResult& result);
/// What no limit protects may be lost, but not in silence. `what` names it in words.
[[nodiscard]] std::vector<Warning> loss_warnings(const std::string& metric,
                                                 const std::string& what,
                                                 const MetricResult& result);
/// Multiple-choice questions that could not be read.
[[nodiscard]] std::vector<Warning> choice_warnings(const MetricResult& result);
/// Replies that were cut off at the token limit, many of them.
[[nodiscard]] std::vector<Warning> length_warnings(int64_t n_at_limit, int64_t n);
/// Replies that ended within the model's reasoning, many of them.
[[nodiscard]] std::vector<Warning> unfinished_warnings(int64_t n_unfinished, int64_t n);
/// Turns of played conversations that are not what the model would have said; `what` names them.
[[nodiscard]] std::vector<Warning> play_warnings(const std::string& what,
                                                 int64_t n_turn,
                                                 int64_t n_kept,
                                                 int64_t n_cut);
[[nodiscard]] std::vector<Warning> divergence_warnings(const DamageResult& damage);

}  // namespace mascing
