// Counts conversations, not skips: one may be skipped on both sides and in several steps.
#include "run/skip_warnings.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "base/numeric.h"
#include "base/text.h"

namespace mascing {
namespace {

constexpr double kManySkipped = 0.05;

/// Skipped conversations among `n` of some kind.
struct Share {
  std::set<std::string> ids = {};
  int64_t n = 0;
  std::string of_what = {};

  [[nodiscard]] double value() const { return ratio_or_zero(std::ssize(ids), n); }
};

/// Ids are unique within a set; those that several sets have say nothing of one of them.
std::set<std::string> ambiguous_ids(const Dataset& data) {
  std::vector<std::string> ids;
  for (const LoadedSet& set : data.sets) {
    for (const auto& rows : set.splits) {
      std::transform(
          rows.begin(), rows.end(), std::back_inserter(ids), [](const Conversation& row) {
            return row.id;
          });
    }
  }
  std::sort(ids.begin(), ids.end());
  std::set<std::string> ambiguous;
  for (size_t i = 1; i < ids.size(); ++i) {
    if (ids[i] == ids[i - 1]) {
      ambiguous.insert(ids[i]);
    }
  }
  return ambiguous;
}

/// Of a set's split, whatever other splits and sets have. A single one is no share.
Share share_of(const LoadedSet& set, Split split, const std::set<std::string>& skipped) {
  Share share;
  share.n = std::ssize(set.rows(split));
  share.of_what =
      std::string("the ") + to_string(split) + " conversations of '" + set.spec.metric + "'";
  for (const Conversation& row : set.rows(split)) {
    if (skipped.contains(row.id)) {
      share.ids.insert(row.id);
    }
  }
  return share.ids.size() < 2 ? Share() : share;
}

}  // namespace

std::vector<Warning> skip_warnings(const Results& results, const Dataset& data) {
  Share all{{}, std::ssize(data.skipped), "the conversations"};
  for (const Skipped& one : results.skipped) {
    all.ids.insert(one.id);
  }
  std::set<std::string> of_one_set = all.ids;
  for (const std::string& id : ambiguous_ids(data)) {
    of_one_set.erase(id);
  }
  Share worst;
  for (const LoadedSet& set : data.sets) {
    for (const Split split : kSplits) {
      const Share share = share_of(set, split, of_one_set);
      all.n += std::ssize(set.rows(split));
      worst = share.value() > worst.value() ? share : worst;
    }
  }
  const Share& said = all.value() > kManySkipped ? all : worst;
  if (said.value() <= kManySkipped) {
    return {};
  }
  const auto first = std::find_if(results.skipped.begin(),
                                  results.skipped.end(),
                                  [&](const Skipped& one) { return said.ids.contains(one.id); });
  return {{"rows_skipped",
           format_percent(said.value()) + " of " + said.of_what + " (" +
               std::to_string(said.ids.size()) + " of " + std::to_string(said.n) +
               ") were skipped, the first because " + printable(first->reason, 200),
           "see the list in the report; the rates are of the rest alone"}};
}

}  // namespace mascing
