// On-policy refresh: what the model says under the current mask, and only then, enters the
// openings.
#pragma once

#include "measure/eval_context.h"
#include "search/discovery_replies.h"

namespace mascing {

/// Asks up to 64 conversations of the target's discovery split, spread evenly, under `steering`,
/// and adds to `openings` those that only replies under the mask have. Coherent replies count by
/// their verdict; every other reply is an evasion and counts as not wanted, one that never gets to
/// its visible part included. `known`: replies of the unsteered model, and the form, which stays.
[[nodiscard]] Openings refreshed_openings(const EvalContext& context,
                                          const KnownReplies& known,
                                          Openings openings,
                                          const Steering& steering);

}  // namespace mascing
