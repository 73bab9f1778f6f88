// On-policy refresh: what the model says under the current mask, and only then, enters the
// openings.
#pragma once

#include "measure/eval_context.h"
#include "search/discovery_replies.h"

namespace mascing {

/// Asks up to 64 conversations of the target's discovery split, spread evenly, under `steering`,
/// and fits openings to their replies together with `known`, which are of the unsteered model.
/// Coherent replies count by their verdict; every other reply is an evasion and counts as not
/// wanted. The form stays. Gives the openings of `known` alone if a kind that the form compares
/// would have none.
[[nodiscard]] Openings refreshed_openings(const EvalContext& context,
                                          const KnownReplies& known,
                                          const Steering& steering);

}  // namespace mascing
