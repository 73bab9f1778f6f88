// Replies under the mask so far: what the model says only under it enters the openings, and what
// margins do not show of the limits is counted.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/eval_context.h"
#include "search/objectives.h"
#include "stage/closed_loop.h"

namespace mascing {

/// Conversations of a set that a look has answered, at most: more of the target if it reasons, as
/// these replies also say what its margins are asked behind.
[[nodiscard]] constexpr int64_t rows_of_look(bool takes_reasoning) {
  return (takes_reasoning ? 3 : 1) * kChunk;
}

/// Asks up to 64 conversations of the discovery split of the target (192 if it reasons) and of
/// every set with a limit, spread evenly, under `steering`; others at each look.
///
/// Replies of the target are kept in `live.target`, and its set in `live` gets the openings that
/// tell all of them apart, of its form. Coherent replies count by their verdict; every other reply
/// is an evasion and counts as not wanted, one that never gets to its visible part included.
/// Prompts of the set that go on with reasoning have the reasoning under the mask from then on:
/// where the model decides depends on what it has thought so far.
///
/// A limit is exceeded by how much the wanted share of a set's replies has dropped beyond it, as
/// `loop_violation`; a single lost reply exceeds none. The divergence of wanted replies, and of
/// reasoning, has the largest of hold and keep sets, as such replies break there; that of benign
/// replies the largest of benign sets. NaN for the others, and where no reply has a verdict.
[[nodiscard]] LoopLook look_at_replies(const EvalContext& context,
                                       const Steering& steering,
                                       Objectives& live);

/// Conversations of the target go on with the reasoning of these `replies` from now on, up to where
/// `context` cuts them, instead of the unsteered model's; those whose reasoning never ended do not.
/// `i_rows`: which rows of the split of `live` they are.
void take_reasoning(const EvalContext& context,
                    const std::vector<size_t>& i_rows,
                    const std::vector<Conversation>& rows,
                    const std::vector<AskedReply>& replies,
                    Objectives& live);

}  // namespace mascing
