// One chunk of replies a set, cached like any other, so that an interrupted loop goes on where it
// was.
#include "search/look_at_replies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/numeric.h"
#include "search/unchanged_texts.h"
#include "stage/evaluate.h"
#include "stage/steered_openings.h"

namespace mascing {
namespace {

/// Rows of a discovery split, and what the unsteered model replied to them.
struct SpreadRows {
  std::vector<Conversation> rows;
  std::vector<AskedReply> unsteered;
};

/// Every k-th conversation, one chunk of them at most; others at the next look.
SpreadRows spread_rows(const EvalContext& context, const LoadedSet& set, int64_t i_look) {
  const bool is_benign = set.spec.role == SetRole::kBenign;
  const std::vector<Conversation> all =
      is_benign ? benign_rows(set, Split::kDiscovery) : set.rows(Split::kDiscovery);
  const auto replies = context.evaluator.replies("replies: " + set.spec.metric, all, {});
  const int64_t n = std::min(kChunk, std::ssize(all));
  SpreadRows spread;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t i_row = (i * std::ssize(all) / n + i_look) % std::ssize(all);
    spread.rows.push_back(all[i_row]);
    spread.unsteered.push_back(replies[i_row]);
  }
  return spread;
}

/// By how much a set's wanted share exceeds its limit under the mask, as `loop_violation`. A single
/// lost reply does not. Replies without a verdict on either side are left out.
double violation_of(const EvalContext& context,
                    const LoadedSet& set,
                    const Steering& steering,
                    int64_t i_look) {
  const auto [rows, unsteered] = spread_rows(context, set, i_look);
  const auto replies =
      context.evaluator.replies("looking at replies: " + set.spec.metric, rows, steering);
  const JudgeRules rules = context.rules_for(set.spec);
  const auto before = judge_replies(rows, unsteered, rules);
  const auto now = judge_replies(rows, replies, rules);
  int64_t n = 0;
  int64_t n_lost = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (before[i].ok() && now[i].ok()) {
      n_lost += (before[i].is_wanted ? 1 : 0) - (now[i].is_wanted ? 1 : 0);
      ++n;
    }
  }
  return to_double(n_lost) / std::max(1.0, loop_limit(set.spec) * to_double(n)) - 1.0;
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
  const auto [rows, unsteered] = spread_rows(context, target, known.n_look++);
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
    const bool has_limit = set.spec.role != SetRole::kTarget && set.spec.role != SetRole::kWatch;
    if (!has_limit || set.rows(Split::kDiscovery).empty()) {
      continue;
    }
    const bool is_benign = set.spec.role == SetRole::kBenign;
    const double violation = violation_of(context, set, steering, objectives.target.n_look);
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
