// Stage "verdict": what the test of a mask means for whoever wants to use it.
#pragma once

#include "mascing/mask_verdict.h"
#include "mascing/results.h"

namespace mascing {

/// From the metrics of the test split, with their roles, and the damage. Three reasons:
/// the effect on the target; the cost, that is, losses of protected sets, of coherence and of
/// multiple choice beyond chance, perplexity and divergence; the protection, that is, what was
/// tested and what was not. Without metrics there is no verdict. docs/scenario.md has the rules.
[[nodiscard]] MaskVerdict verdict_on(const Results& results, const VerdictLimits& limits);

}  // namespace mascing
