// One chunk of replies a set, cached like any other, so that an interrupted loop goes on where it
// was.
#include "search/look_at_replies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/numeric.h"
#include "stage/steered_openings.h"

namespace mascing {
namespace {

/// Rows of a discovery split, and what the unsteered model replied to them.
struct SpreadRows {
  std::vector<Conversation> rows;
  std::vector<AskedReply> unsteered;
};

/// Every k-th conversation, one chunk of them at most.
SpreadRows spread_rows(const EvalContext& context, const LoadedSet& set) {
  const std::vector<Conversation>& all = set.rows(Split::kDiscovery);
  const auto replies = context.evaluator.replies("replies: " + set.spec.metric, all, {});
  const int64_t n = std::min(kChunk, std::ssize(all));
  SpreadRows spread;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t i_row = i * std::ssize(all) / n;
    spread.rows.push_back(all[i_row]);
    spread.unsteered.push_back(replies[i_row]);
  }
  return spread;
}

int64_t n_wanted(const EvalContext& context,
                 const LoadedSet& set,
                 const std::vector<Conversation>& rows,
                 const std::vector<AskedReply>& replies) {
  const auto judged = judge_replies(rows, replies, context.rules_for(set.spec));
  return std::count_if(
      judged.begin(), judged.end(), [](const JudgedReply& reply) { return reply.is_wanted; });
}

/// By how much the wanted share of a set drops under the mask, less than 0 if it rises.
double drop_of(const EvalContext& context, const LoadedSet& set, const Steering& steering) {
  const auto [rows, unsteered] = spread_rows(context, set);
  const auto replies =
      context.evaluator.replies("looking at replies: " + set.spec.metric, rows, steering);
  const int64_t n_lost =
      n_wanted(context, set, rows, unsteered) - n_wanted(context, set, rows, replies);
  return ratio(n_lost, std::max<int64_t>(1, std::ssize(rows)));
}

/// A reply under the mask as the margin would see it: from where it is asked on. If the margin is
/// asked right behind the prompt, this is the whole reply, with reasoning that only the mask made.
TokenSequence seen_of(const EvalContext& context,
                      const AskedReply& unsteered,
                      const AskedReply& reply) {
  const bool at_prompt = prefix_of(context, unsteered).empty();
  const int64_t n_prefix = at_prompt ? 0 : std::ssize(prefix_of(context, reply));
  return {reply.tokens.begin() + n_prefix, reply.tokens.end()};
}

}  // namespace

Openings refreshed_openings(const EvalContext& context,
                            const Steering& steering,
                            KnownReplies& known) {
  const LoadedSet& target = context.target();
  const auto [rows, unsteered] = spread_rows(context, target);
  const auto replies = context.evaluator.replies("looking at replies", rows, steering);
  const auto judged = judge_replies(rows, replies, context.rules_for(target.spec));
  for (size_t i = 0; i < rows.size(); ++i) {
    const TokenSequence seen = seen_of(context, unsteered[i], replies[i]);
    if (judged[i].ok() && !seen.empty()) {
      (judged[i].is_wanted ? known.steered.wanted : known.steered.unwanted).push_back(seen);
    }
  }
  return openings_of_form(with_steered_openings(known.openings, known.unsteered, known.steered),
                          known.form);
}

std::vector<double> violations_in_replies(const EvalContext& context,
                                          const Objectives& objectives,
                                          const Steering& steering) {
  std::vector<double> violations(objectives.sets.size(), std::numeric_limits<double>::quiet_NaN());
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kTarget || set.rows(Split::kDiscovery).empty()) {
      continue;
    }
    const bool is_benign = set.spec.role == SetRole::kBenign;
    const double limit = loop_limit(set.spec);
    const double violation = drop_of(context, set, steering) / limit - 1.0;
    for (size_t i = 0; i < violations.size(); ++i) {
      const std::string& name = objectives.sets[i].name;
      const bool depends =
          is_benign ? name == kBenignReplies : name == kWantedReplies || name == kWantedReasoning;
      if (name == set.spec.metric || depends) {
        violations[i] = std::fmax(violations[i], violation);
      }
    }
  }
  return violations;
}

}  // namespace mascing
