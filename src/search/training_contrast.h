// Selects the training conversations of the target's surrogate, and checks whether topic or length
// alone predicts their labels.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mascing/scenario.h"
#include "mascing/surrogate_result.h"
#include "mascing/trace_set.h"
#include "mascing/warning.h"
#include "measure/traces.h"

namespace mascing {

/// Suffix of the set name for traces of prefixes; metrics cannot contain it.
inline constexpr const char* kPrefixSet = "/prefixes";

/// Ids of the labelled target conversations that train the surrogate; empty = all. Prefixes are
/// included under their own ids.
using TrainingIds = std::set<std::string>;

/// Chosen conversations, and how many there are of each kind.
struct ContrastChoice {
  TrainingIds ids;
  std::vector<TraceInput> prefixes;       ///< to be traced as well: one set, or none
  std::map<std::string, int64_t> labels;  ///< "contrast.dsr.label_1", ...
  std::vector<Warning> warnings;
};

/// Chooses by `train.contrast`, if the scenario makes surrogates at all. If fewer than
/// `kMinContrast` pairs are found, everything is used as it is, with the warning
/// `contrast_too_small`. `labelled`: the target's set among others.
[[nodiscard]] ContrastChoice choose_contrast(const Scenario& scenario,
                                             uint64_t seed,
                                             const std::vector<TraceInput>& labelled);
inline constexpr int64_t kMinContrast = 10;

/// How well topic, length and turns alone would tell the target's labels apart; none without
/// labelled conversations of the target (stage/confound.h).
[[nodiscard]] ConfoundResult check_confounds(const Scenario& scenario,
                                             const std::vector<TraceInput>& labelled,
                                             const TraceSet& traces,
                                             uint64_t seed);

}  // namespace mascing
