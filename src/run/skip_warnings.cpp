// Counts conversations, not skips: one may be skipped on both sides and in several steps.
#include "run/skip_warnings.h"

#include <set>
#include <string>

#include "base/numeric.h"
#include "base/text.h"

namespace mascing {
namespace {

constexpr double kManySkipped = 0.05;

/// Skipped conversations among `n` of some kind.
struct Share {
  int64_t n_skipped = 0;
  int64_t n = 0;
  std::string of_what = {};

  [[nodiscard]] double value() const { return ratio_or_zero(n_skipped, n); }
};

/// Of a set's split, whatever other splits and sets have.
Share share_of(const LoadedSet& set, Split split, const std::set<std::string>& skipped) {
  Share share{0, std::ssize(set.rows(split)), ""};
  for (const Conversation& row : set.rows(split)) {
    share.n_skipped += skipped.contains(row.id) ? 1 : 0;
  }
  share.of_what =
      std::string("the ") + to_string(split) + " conversations of '" + set.spec.metric + "'";
  return share;
}

}  // namespace

std::vector<Warning> skip_warnings(const Results& results, const Dataset& data) {
  std::set<std::string> skipped;
  for (const Skipped& one : results.skipped) {
    skipped.insert(one.id);
  }
  Share all{std::ssize(skipped), std::ssize(data.skipped), "the conversations"};
  Share worst;
  for (const LoadedSet& set : data.sets) {
    for (const Split split : kSplits) {
      const Share share = share_of(set, split, skipped);
      all.n += share.n;
      worst = share.value() > worst.value() ? share : worst;
    }
  }
  const Share& said = all.value() > kManySkipped ? all : worst;
  if (said.value() <= kManySkipped) {
    return {};
  }
  return {{"rows_skipped",
           format_percent(said.value()) + " of " + said.of_what + " (" +
               std::to_string(said.n_skipped) + " of " + std::to_string(said.n) +
               ") were skipped, the first because " +
               printable(results.skipped.front().reason, 200),
           "see the list in the report; the rates are of the rest alone"}};
}

}  // namespace mascing
