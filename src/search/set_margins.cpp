// What a search has asked before comes from the cache; a run without one asks the margin of each
// reply to the discovery split once.
#include "search/set_margins.h"

#include <optional>
#include <utility>
#include <vector>

#include "search/discovery_replies.h"
#include "search/margin_check.h"

namespace mascing {
namespace {

std::string too_weak(const ScenarioSet& target,
                     const std::optional<SetOpenings>& found,
                     const MarginResult& margin) {
  return found ? weakness_of(target.metric, margin)
               : "wanted and other replies of '" + target.metric +
                     "' begin alike on the discovery split, or in too many ways";
}

/// With replies cut as `context` says.
SetMargins margins_of(const EvalContext& context) {
  SetMargins margins;
  const std::vector<DiscoveryReplies> discovery = ask_discovery(context);
  const ReplyKinds pooled = pooled_kinds(discovery);
  for (const DiscoveryReplies& of_set : discovery) {
    const ScenarioSet& spec = of_set.set->spec;
    const auto found = find_set_openings(of_set, pooled);
    const MarginResult margin = found ? check_margin(context, of_set, *found) : MarginResult();
    if (spec.role == SetRole::kTarget && !margin.is_usable) {
      return {{}, {}, too_weak(spec, found, margin)};
    }
    if (found) {
      margins.sets[spec.metric] = margin_set(spec.metric, *found, margin.zero);
    }
  }
  const auto refusals = find_refusal_openings(pooled);
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kBenign && refusals) {
      const double zero = unchecked_margin(*refusals).zero;
      margins.sets[set.spec.metric] = margin_set(set.spec.metric, *refusals, zero);
    }
  }
  return margins;
}

}  // namespace

SetMargins find_set_margins(const EvalContext& context) {
  if (context.conclusion_length && reasons(context)) {
    const EvalContext cut = cut_at_conclusion(context);
    SetMargins margins = margins_of(cut);
    if (margins.reason.empty()) {
      margins.conclusion_length = cut.prefix_length;
      return margins;
    }
  }
  return margins_of(context);
}

SetMargins margins_of_given_mask() {
  return {{},
          {},
          "openings come from the discovery split, which is not asked about a mask that is given"};
}

EvalContext context_of(const EvalContext& context, const SetMargins& margins) {
  return cut_at(context, margins.conclusion_length);
}

}  // namespace mascing
