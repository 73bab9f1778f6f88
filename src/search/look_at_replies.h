// Replies under the mask so far: what the model says only under it enters the openings, and what
// margins do not show of the limits is counted.
#pragma once

#include <vector>

#include "measure/eval_context.h"
#include "search/discovery_replies.h"
#include "search/objectives.h"

namespace mascing {

/// Asks up to 64 conversations of the target's discovery split, spread evenly, under `steering`,
/// keeps the replies in `known`, and returns the openings that tell all replies in it apart, of its
/// form. Coherent replies count by their verdict; every other reply is an evasion and counts as not
/// wanted, one that never gets to its visible part included.
[[nodiscard]] Openings refreshed_openings(const EvalContext& context,
                                          const Steering& steering,
                                          KnownReplies& known);

/// Asks up to 64 conversations of the discovery split of every set with a limit, spread evenly,
/// under `steering`. By how much the wanted share of their replies has dropped beyond the limit, as
/// `loop_violation`, one number for each set of `objectives`; a single lost reply exceeds none. The
/// divergence of wanted replies, and of reasoning, has the largest of hold and keep sets, as such
/// replies break there; that of benign replies the largest of benign sets. NaN for the others.
[[nodiscard]] std::vector<double> violations_in_replies(const EvalContext& context,
                                                        const Objectives& objectives,
                                                        const Steering& steering);

}  // namespace mascing
