// The margin of each set, for questions about conversations that a search does not ask.
#pragma once

#include <map>
#include <string>

#include "measure/eval_context.h"
#include "search/objectives.h"
#include "stage/outcome.h"

namespace mascing {

struct SetMargins {
  std::map<std::string, OutcomeSet> sets;  ///< metric -> openings and zero; no prompts
  /// First tokens of a reply before the conclusion of its reasoning, if margins are asked there.
  ReplyLength conclusion_length = {};
  std::string reason;  ///< why there are none; empty if there are some
};

/// With the openings and zeros that build_objectives() finds in the replies to the discovery split.
/// None if the target's margin does not tell its replies apart.
[[nodiscard]] SetMargins find_set_margins(const EvalContext& context);

/// None: a given mask is tested without the discovery split, which openings come from.
[[nodiscard]] SetMargins margins_of_given_mask();

/// A context whose replies are cut where the margins are asked.
[[nodiscard]] EvalContext context_of(const EvalContext& context, const SetMargins& margins);

}  // namespace mascing
