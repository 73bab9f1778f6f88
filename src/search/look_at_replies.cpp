// One chunk of replies, cached like any other, so that an interrupted loop goes on where it was.
#include "search/refresh_openings.h"

#include <algorithm>
#include <utility>

#include "base/append.h"

namespace mascing {
namespace {

constexpr int64_t kLeastReplies = 3;  // of a chunk that must begin with a new opening

std::vector<TokenSequence> joined(std::vector<TokenSequence> a,
                                  const std::vector<TokenSequence>& b) {
  append(b, a);
  return a;
}

/// Every k-th conversation of the target's discovery split, one chunk of them at most.
std::vector<Conversation> spread_rows(const LoadedSet& target) {
  const std::vector<Conversation>& all = target.rows(Split::kDiscovery);
  const int64_t n = std::min(kChunk, std::ssize(all));
  std::vector<Conversation> rows;
  for (int64_t i = 0; i < n; ++i) {
    rows.push_back(all[i * std::ssize(all) / n]);
  }
  return rows;
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

/// Adds openings; of two of which one begins with the other the shorter one stays.
void merge(const std::vector<TokenSequence>& found, std::vector<TokenSequence>& openings) {
  for (const TokenSequence& opening : found) {
    if (begins_with_any(opening, openings)) {
      continue;
    }
    std::erase_if(openings,
                  [&](const TokenSequence& old) { return begins_with_any(old, {opening}); });
    openings.push_back(opening);
  }
}

}  // namespace

Openings refreshed_openings(const EvalContext& context,
                            const KnownReplies& known,
                            Openings openings,
                            const Steering& steering) {
  const LoadedSet& target = context.target();
  const std::vector<Conversation> rows = spread_rows(target);
  const auto unsteered = context.evaluator.replies("refreshing openings", rows, {});
  const auto replies = context.evaluator.replies("refreshing openings", rows, steering);
  const auto judged = judge_replies(rows, replies, context.rules_for(target.spec));
  KnownReplies under_mask;
  for (size_t i = 0; i < rows.size(); ++i) {
    const TokenSequence seen = seen_of(context, unsteered[i], replies[i]);
    if (judged[i].ok() && !seen.empty()) {
      (judged[i].is_wanted ? under_mask.wanted : under_mask.unwanted).push_back(seen);
    }
  }
  const OpeningOptions options{.n_least_reply = kLeastReplies};
  const Openings lost =
      find_openings(joined(known.wanted, under_mask.wanted), under_mask.unwanted, options);
  const Openings won =
      find_openings(under_mask.wanted, joined(known.unwanted, under_mask.unwanted), options);
  const Openings more = openings_of_form({won.wanted, lost.unwanted}, known.form);
  merge(more.wanted, openings.wanted);
  merge(more.unwanted, openings.unwanted);
  return openings;
}

}  // namespace mascing
