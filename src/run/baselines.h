// What the chosen mask is compared with, under its own protocol: every baseline is tuned on the
// selection split within the same limits and then looks at the test split once.
#pragma once

#include <cstdint>
#include <string>

#include "mascing/results.h"
#include "mascing/scenario.h"
#include "measure/cached_evaluator.h"
#include "scenario/dataset.h"
#include "stage/coherence.h"

namespace mascing {

struct BaselinePlan {
  const Dataset& data;
  const Scenario& scenario;
  Judge& judge;
  CoherenceLimit coherence;
  Steering chosen;     ///< the mask that was chosen, at its strength; none: nothing to compare with
  std::string folder;  ///< for traces, surrogates and masks of the baselines
  uint64_t seed = 0;
  int64_t n_thread = 1;
};

/// Adds to `results`: one candidate of role "baseline" each for
///   paper            the surrogate's mask, without guards and without preservation, over the
///                    paper's lambdas and alphas;
///   mean_difference  of router logits;
///   forced_experts   the experts of largest risk difference forced or banned (SteerMoE);
///   control_vector   difference of means of the residual stream, at one block;
///   system_prompt    the scenario's, where it has one;
/// and the distribution of random masks. The tokens they take are added to the baselines' counts.
void measure_baselines(CachedEvaluator& evaluator, const BaselinePlan& plan, Results& results);

}  // namespace mascing
