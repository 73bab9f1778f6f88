// Candidate masks: one for every combination of surrogate seed, lambda, epochs, preservation weight
// and guard weight that the scenario names, and the plain baseline.
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

/// A hold or keep set needs this many conversations of each label to be guarded by a mask of its
/// own.
inline constexpr int64_t kMinGuardClass = 20;

struct BuildOptions {
  uint64_t seed = 0;
  int64_t n_thread = 1;
  std::string folder;  ///< for surrogates and masks
};

/// `traces`: the labelled target set under its metric's name; other sets under theirs. The target's
/// surrogate is trained on the conversations named in `training` alone. Where
/// another set shows both outcomes, a mask towards its wanted one (its guard) is made in the same
/// way, and S = S_target + guard * S_guard is tried for every guard weight of the scenario. Files
/// are kept in `folder`.
[[nodiscard]] CandidateSet build_candidates(const TraceSet& traces,
                                            const Scenario& scenario,
                                            const TrainingIds& training,
                                            const BuildOptions& options,
                                            const Progress& progress);

}  // namespace mascing
