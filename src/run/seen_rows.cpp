#include "run/seen_rows.h"

#include <algorithm>
#include <utility>

#include "base/append.h"
#include "base/metric_names.h"
#include "base/sorted_unique.h"

namespace mascing {

std::vector<std::string> searched_conversations(const Dataset& data) {
  std::vector<std::string> hashes;
  for (const LoadedSet& set : data.sets) {
    append(hashes_of(set, Split::kDiscovery), hashes);
    append(hashes_of(set, Split::kSelection), hashes);
  }
  return sorted_unique(std::move(hashes));
}

void mark_seen(const Dataset& data, const Mask& mask, HoldoutResult& holdout) {
  std::string counts;
  for (const LoadedSet& set : data.sets) {
    const std::vector<std::string> hashes = hashes_of(set, Split::kTest);
    const auto n_seen = std::count_if(hashes.begin(), hashes.end(), [&](const std::string& hash) {
      return std::binary_search(mask.conversations.begin(), mask.conversations.end(), hash);
    });
    holdout.metrics[set.spec.metric].n_seen = n_seen;
    if (n_seen > 0) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(n_seen) + " of " +
                std::to_string(hashes.size()) + " of " + display_name(set.spec.metric);
    }
  }
  if (!counts.empty()) {
    holdout.warnings.push_back(
        {"tested_on_seen",
         "test conversations that the mask was made from or chosen with: " + counts,
         "rates on them say little about new ones; use others, or the scenario and the --seed of "
         "the search, which divide the conversations as it did"});
  }
}

}  // namespace mascing
