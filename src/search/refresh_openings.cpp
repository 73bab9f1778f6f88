// One chunk of replies, cached like any other, so that an interrupted loop goes on where it was.
#include "search/refresh_openings.h"

#include <algorithm>
#include <utility>

namespace mascing {
namespace {

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

bool compares_both(const Openings& openings, MarginForm form) {
  return (form == MarginForm::kUnwantedOnly || !openings.wanted.empty()) &&
         (form == MarginForm::kWantedOnly || !openings.unwanted.empty());
}

}  // namespace

Openings refreshed_openings(const EvalContext& context,
                            const KnownReplies& known,
                            const Steering& steering) {
  const LoadedSet& target = context.target();
  const std::vector<Conversation> rows = spread_rows(target);
  const auto replies = context.evaluator.replies("refreshing openings", rows, steering);
  const auto judged = judge_replies(rows, replies, context.rules_for(target.spec));
  KnownReplies all = known;
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t n_prefix = std::ssize(prefix_of(context, replies[i]));
    if (judged[i].ok() && std::ssize(replies[i].tokens) > n_prefix) {
      auto& kind = judged[i].is_wanted ? all.wanted : all.unwanted;
      kind.emplace_back(replies[i].tokens.begin() + n_prefix, replies[i].tokens.end());
    }
  }
  const Openings fitted = openings_of_form(find_openings(all.wanted, all.unwanted), known.form);
  return compares_both(fitted, known.form)
             ? fitted
             : openings_of_form(find_openings(known.wanted, known.unwanted), known.form);
}

}  // namespace mascing
