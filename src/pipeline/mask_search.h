// Candidate masks: one for every combination of surrogate seed, lambda, epochs and preservation
// weight that the scenario names, and the plain baseline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "mascing/scenario.h"
#include "mascing/trace_set.h"

namespace mascing {

struct Candidate {
  std::shared_ptr<const Mask> mask;
  int64_t epochs = 0;
  double preserve = 0.0;
};

struct CandidateSet {
  std::vector<Candidate> candidates;
  std::vector<SurrogateResult> surrogates;
  std::vector<Warning> warnings;
};

/// `traces`: the labelled target set under its metric's name, and preserve traces under any other.
/// Surrogates and masks are kept in `folder` under names that hold the hash of what they were made
/// from, and are reused.
[[nodiscard]] CandidateSet build_candidates(const TraceSet& traces,
                                            const Scenario& scenario,
                                            uint64_t seed,
                                            int64_t n_thread,
                                            const std::string& folder,
                                            const Progress& progress);

/// A mask that fits the model of `traces`, with its provenance but without numbers.
[[nodiscard]] Mask empty_mask(const TraceSet& traces, const Scenario& scenario);

}  // namespace mascing
