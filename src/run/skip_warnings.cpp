// Counts conversations, not skips: one may be skipped on both sides and in several steps.
#include "run/skip_warnings.h"

#include <set>
#include <string>

#include "base/numeric.h"
#include "base/text.h"

namespace mascing {
namespace {

constexpr double kManySkipped = 0.05;

}  // namespace

std::vector<Warning> skip_warnings(const Results& results, const Dataset& data) {
  std::set<std::string> skipped;
  for (const Skipped& one : results.skipped) {
    skipped.insert(one.id);
  }
  int64_t n_row = std::ssize(data.skipped);
  for (const LoadedSet& set : data.sets) {
    for (const Split split : kSplits) {
      n_row += std::ssize(set.rows(split));
    }
  }
  const double share = ratio(std::ssize(skipped), n_row);
  if (share <= kManySkipped) {
    return {};
  }
  return {{"rows_skipped",
           format_percent(share) + " of the conversations (" + std::to_string(skipped.size()) +
               " of " + std::to_string(n_row) + ") were skipped, the first because " +
               printable(results.skipped.front().reason, 200),
           "see the list in the report; the rates are of the rest alone"}};
}

}  // namespace mascing
