// What the chosen mask is compared with, under its own protocol: every baseline is tuned on the
// selection split within the same limits and then evaluated on the test split once.
#pragma once

#include <optional>
#include <vector>

#include "mascing/candidate_result.h"
#include "measure/eval_context.h"
#include "search/mask_search.h"

namespace mascing {

struct BaselinesResult {
  std::vector<CandidateResult> candidates;  ///< of role "baseline", one each
  std::optional<RandomMasks> random_masks;  ///< if there is a mask to compare them with
  AskedTokens tokens;                       ///< that the model processed for them
};

/// The baselines are
///   paper            the surrogate's mask, without guards and without preservation, over the
///                    paper's lambdas and alphas;
///   mean_difference  difference of class means of the router logits;
///   forced_experts   the experts of largest risk difference forced or banned (SteerMoE);
///   control_vector   difference of means of the residual stream, at one block;
///   system_prompt    the scenario's, where it has one;
/// and the distribution of random masks. `chosen`: the mask that was chosen, at its strength; none:
/// nothing to compare with. The folder of `options` gets traces, surrogates and masks;
/// `traces_context`: as TraceStoreOptions has it.
[[nodiscard]] BaselinesResult measure_baselines(const EvalContext& context,
                                                const Steering& chosen,
                                                const BuildOptions& options,
                                                const std::string& traces_context);

}  // namespace mascing
