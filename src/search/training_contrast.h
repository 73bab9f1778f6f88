// What the surrogate of the target set is trained on, and whether topic or length would do instead
// of it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "mascing/results.h"
#include "mascing/scenario.h"
#include "mascing/trace_set.h"
#include "measure/traces.h"

namespace mascing {

/// Traces of prefixes stand under the target's metric with this behind it, which no metric holds.
inline constexpr const char* kPrefixSet = "/prefixes";

/// Ids of the target set's labelled conversations that train its surrogate; all of them if it is
/// empty. Prefixes are among them under their own ids.
using TrainingIds = std::set<std::string>;

/// Chooses by `train.contrast`, if the scenario makes surrogates at all: adds the prefixes to
/// `inputs`, counts to `results.labels` and the warning `contrast_too_small` to its warnings if
/// fewer than `kMinContrast` pairs were found and everything is used as it is.
[[nodiscard]] TrainingIds choose_contrast(const Scenario& scenario,
                                          uint64_t seed,
                                          std::vector<TraceInput>& inputs,
                                          Results& results);
inline constexpr int64_t kMinContrast = 10;

/// Fills `results.confounds` from the target's labelled conversations and their traces, and adds
/// its warnings (stage/confound.h).
void check_confounds(const Scenario& scenario,
                     const std::vector<TraceInput>& inputs,
                     const TraceSet& traces,
                     uint64_t seed,
                     Results& results);

}  // namespace mascing
