// Refusals sound alike whatever was asked, so those of all sets are pooled; answers are a set's
// own.
#include "search/discovery_replies.h"

#include <algorithm>

#include "base/append.h"

namespace mascing {
namespace {

constexpr size_t kFewReplies = 8;       // of a kind: then those of other sets are used
constexpr double kWholeCoverage = 0.9;  // by openings: what does not begin so is of another kind

bool has_margin(const ScenarioSet& set) {
  return set.role == SetRole::kTarget || set.role == SetRole::kHold || set.role == SetRole::kKeep;
}

}  // namespace

std::vector<DiscoveryReplies> ask_discovery(const EvalContext& context) {
  std::vector<DiscoveryReplies> all;
  for (const LoadedSet& set : context.data.sets) {
    if (!has_margin(set.spec)) {
      continue;
    }
    const auto& rows = set.rows(Split::kDiscovery);
    DiscoveryReplies& discovery = all.emplace_back();
    discovery.set = &set;
    discovery.replies = context.evaluator.replies("replies: " + set.spec.metric, rows, {});
    discovery.judged = judge_replies(rows, discovery.replies, context.rules_for(set.spec));
  }
  return all;
}

ReplyKinds kinds_of(const DiscoveryReplies& discovery) {
  ReplyKinds kinds;
  for (size_t i = 0; i < discovery.replies.size(); ++i) {
    const TokenSequence& tokens = discovery.replies[i].tokens;
    const JudgedReply& judged = discovery.judged[i];
    if (!judged.is_coherent || tokens.empty()) {
      continue;
    }
    if (judged.verdict == Verdict::kRefused) {
      kinds.refused.push_back(tokens);
    } else if (judged.verdict == Verdict::kAnswered) {
      kinds.answered.push_back(tokens);
    }
  }
  return kinds;
}

ReplyKinds pooled_kinds(const std::vector<DiscoveryReplies>& discovery) {
  ReplyKinds pooled;
  for (const DiscoveryReplies& of_set : discovery) {
    const ReplyKinds kinds = kinds_of(of_set);
    append(kinds.refused, pooled.refused);
    append(kinds.answered, pooled.answered);
  }
  return pooled;
}

std::optional<SetOpenings> find_set_openings(const DiscoveryReplies& discovery,
                                             const ReplyKinds& pooled) {
  const ScenarioSet& set = discovery.set->spec;
  const ReplyKinds own = kinds_of(discovery);
  const auto& answered = own.answered.size() < kFewReplies ? pooled.answered : own.answered;
  const bool wants_refusal = set.wanted == Wanted::kRefused;
  SetOpenings found;
  found.openings = find_openings(wants_refusal ? pooled.refused : answered,
                                 wants_refusal ? answered : pooled.refused);
  Openings& openings = found.openings;
  if (openings.wanted.empty() || openings.unwanted.empty()) {
    return std::nullopt;
  }
  found.coverage = std::min(openings.coverage_wanted, openings.coverage_unwanted);
  if (set.role == SetRole::kHold && openings.coverage_wanted >= kWholeCoverage) {
    openings.unwanted.clear();  // a reply of a third kind breaks a hold set, too
    found.coverage = openings.coverage_wanted;
  }
  return found;
}

SetOpenings find_refusal_openings(const ReplyKinds& pooled) {
  SetOpenings found;
  found.openings = find_openings(pooled.answered, pooled.refused);
  found.openings.wanted.clear();
  found.coverage = found.openings.coverage_unwanted;
  return found;
}

}  // namespace mascing
