// How well the margin of a set tells its judged replies apart, on conversations whose topics its
// openings were not fitted on.
#pragma once

#include <string>
#include <vector>

#include "mascing/search_result.h"
#include "measure/eval_context.h"
#include "search/discovery_replies.h"
#include "stage/outcome.h"

namespace mascing {

/// Hash of the sets, for the cache keys of what is asked about them.
[[nodiscard]] std::string key_of(const std::vector<OutcomeSet>& sets);

/// One prefill per judged discovery conversation of the set, unsteered, with the openings of its
/// fold. The zero is the one that coverage suggests unless the verdicts speak against it. The slope
/// is at most `kMostSlope`, and that without a curve.
[[nodiscard]] MarginResult check_margin(const EvalContext& context,
                                        const DiscoveryReplies& discovery,
                                        const SetOpenings& found);
/// The same for a set whose replies were not judged: nothing but the zero by coverage.
[[nodiscard]] MarginResult unchecked_margin(const SetOpenings& found);

/// A set with these openings and zero, and no prompts yet.
[[nodiscard]] OutcomeSet margin_set(const std::string& metric,
                                    const SetOpenings& found,
                                    double zero);

/// Largest slope of p(wanted), per nat: nearly a count of margins above the zero.
inline constexpr double kMostSlope = 4.0;

/// Why no search may follow the margin of the target set; empty if one may.
[[nodiscard]] std::string weakness_of(const std::string& metric, const MarginResult& margin);

}  // namespace mascing
