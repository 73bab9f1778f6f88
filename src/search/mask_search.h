// Candidate masks, one per combination of surrogate seed, lambda, epochs, preservation weight and
// guard weight of the scenario, plus the difference of means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/scenario.h"
#include "mascing/surrogate_result.h"
#include "mascing/trace_set.h"
#include "mascing/warning.h"
#include "search/training_contrast.h"

namespace mascing {

struct Candidate {
  std::shared_ptr<const Mask> mask;
  int64_t epochs = 0;
  double preserve = 0.0;
  double guard = 0.0;
};

struct CandidateSet {
  std::vector<Candidate> candidates;
  std::vector<SurrogateResult> surrogates;  ///< of the target set
  std::vector<Warning> warnings;
};

/// Minimum number of conversations of each label for a hold or keep set to get a guard mask.
/// Sets with fewer have none.
inline constexpr int64_t kMinGuardClass = 20;

struct BuildOptions {
  uint64_t seed = 0;
  int64_t n_thread = 1;
  std::string folder;  ///< folder for surrogates and masks
};

/// `traces`: the labelled target set and the other sets, each under the name of its metric. The
/// target's surrogate is trained only on the conversations listed in `training`. For another set
/// with both outcomes, a mask towards its wanted outcome (its guard) is made in the same
/// way, and S = S_target + guard * S_guard is tried for every guard weight of the scenario. Files
/// are stored in `folder`.
[[nodiscard]] CandidateSet build_candidates(const TraceSet& traces,
                                            const Scenario& scenario,
                                            const TrainingIds& training,
                                            const BuildOptions& options,
                                            const Progress& progress);

}  // namespace mascing
