// One chunk of replies a set, cached like any other, so that an interrupted loop goes on where it
// was.
#include "search/look_at_replies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/numeric.h"
#include "base/spread.h"
#include "search/margin_check.h"
#include "search/unchanged_texts.h"
#include "stage/evaluate.h"
#include "stage/steered_openings.h"

namespace mascing {
namespace {

/// Conversations of a set's discovery split with their replies.
struct Look {
  std::vector<size_t> i_rows;  ///< of the split
  std::vector<Conversation> rows;
  std::vector<AskedReply> unsteered;
  std::vector<AskedReply> replies;  ///< under the mask
  std::vector<JudgedReply> judged;  ///< of `replies`
  SeenReplies seen;
};

SeenReplies count(const std::vector<JudgedReply>& before, const std::vector<JudgedReply>& now) {
  SeenReplies seen;
  for (size_t i = 0; i < now.size(); ++i) {
    if (before[i].ok() && now[i].ok()) {
      ++seen.n;
      seen.n_wanted_before += before[i].is_wanted ? 1 : 0;
      seen.n_wanted += now[i].is_wanted ? 1 : 0;
    } else {
      ++seen.n_left_out;
    }
  }
  return seen;
}

Look look_at(const EvalContext& context,
             const LoadedSet& set,
             const Steering& steering,
             int64_t i_look) {
  const std::vector<Conversation> all = set.spec.role == SetRole::kBenign
                                            ? benign_rows(set, Split::kDiscovery)
                                            : set.rows(Split::kDiscovery);
  const auto unsteered = context.evaluator.replies("replies: " + set.spec.metric, all, {});
  const bool takes_reasoning = set.spec.role == SetRole::kTarget && reasons(unsteered);
  Look look;
  // Other conversations at each look.
  look.i_rows = spread_indices(all.size(), rows_of_look(takes_reasoning), i_look);
  look.rows = taken_at(all, look.i_rows);
  look.unsteered = taken_at(unsteered, look.i_rows);
  look.replies =
      context.evaluator.replies("looking at replies: " + set.spec.metric, look.rows, steering);
  const JudgeRules rules = context.rules_for(set.spec);
  look.judged = judge_replies(look.rows, look.replies, rules);
  look.seen = count(judge_replies(look.rows, look.unsteered, rules), look.judged);
  return look;
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

/// Makes the openings tell the replies of the look apart, too. True if they are others then.
bool take_openings(const EvalContext& context, const Look& look, Objectives& live) {
  KnownReplies& known = live.target;
  for (size_t i = 0; i < look.rows.size(); ++i) {
    const TokenSequence seen = seen_of(context, look.unsteered[i], look.replies[i]);
    if (look.judged[i].ok() && !seen.empty()) {
      (look.judged[i].is_wanted ? known.steered.wanted : known.steered.unwanted).push_back(seen);
    }
  }
  const Openings before = openings_of(live.sets.front());
  const Openings after = openings_of_form(
      with_steered_openings(known.openings, known.unsteered, known.steered), known.form);
  set_openings(after, live.sets.front());
  return after.wanted != before.wanted || after.unwanted != before.unwanted;
}

/// By how much a set's wanted share exceeds its limit under the mask, as `loop_violation`. A single
/// lost reply does not. Without a verdict nothing is known of it: NaN.
double violation_of(const ScenarioSet& set, const SeenReplies& seen) {
  if (seen.n == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return to_double(seen.n_wanted_before - seen.n_wanted) /
             std::max(1.0, loop_limit(set) * to_double(seen.n)) -
         1.0;
}

/// Whether replies of this set say something of the limit of that name.
bool depends_on(const std::string& name, const ScenarioSet& set) {
  return name == set.metric ||
         (set.role == SetRole::kBenign
              ? name == kBenignReplies
              : name == kWantedReplies || name == kRareReplies || name == kWantedReasoning);
}

}  // namespace

void take_reasoning(const EvalContext& context,
                    const std::vector<size_t>& i_rows,
                    const std::vector<Conversation>& rows,
                    const std::vector<AskedReply>& replies,
                    Objectives& live) {
  const std::vector<size_t>& asked = live.rows.front();
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto found = std::find(asked.begin(), asked.end(), i_rows[i]);
    const TokenSequence prefix = prefix_of(context, replies[i]);
    if (found == asked.end() || prefix.empty() || !replies[i].ok() || replies[i].is_unfinished) {
      continue;
    }
    if (auto prompt = opening_prompt(context.evaluator.host(), rows[i], prefix)) {
      live.sets.front().prompts[found - asked.begin()] = std::move(prompt->tokens);
    }
  }
  live.key = key_of(live.sets);
}

LoopLook look_at_replies(const EvalContext& context, const Steering& steering, Objectives& live) {
  const int64_t i_look = live.target.n_look++;
  LoopLook result;
  result.violation.assign(live.sets.size(), std::numeric_limits<double>::quiet_NaN());
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kWatch || set.rows(Split::kDiscovery).empty()) {
      continue;
    }
    const Look look = look_at(context, set, steering, i_look);
    result.sets[set.spec.metric] = look.seen;
    if (set.spec.role == SetRole::kTarget) {
      result.has_new_openings = take_openings(context, look, live);
      if (look.seen.n > 0) {
        result.gain = ratio(look.seen.n_wanted - look.seen.n_wanted_before, look.seen.n);
      }
      take_reasoning(context, look.i_rows, look.rows, look.replies, live);
      continue;
    }
    for (size_t i = 0; i < live.sets.size(); ++i) {
      if (depends_on(live.sets[i].name, set.spec)) {
        result.violation[i] = std::fmax(result.violation[i], violation_of(set.spec, look.seen));
      }
    }
  }
  return result;
}

}  // namespace mascing
