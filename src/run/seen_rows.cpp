#include "run/seen_rows.h"

#include <algorithm>
#include <cstdint>

#include "base/append.h"
#include "base/metric_names.h"

namespace mascing {

std::vector<std::string> searched_conversations(const Dataset& data) {
  std::vector<Conversation> rows;
  for (const LoadedSet& set : data.sets) {
    append(set.rows(Split::kDiscovery), rows);
    append(set.rows(Split::kSelection), rows);
  }
  return conversation_hashes(rows);
}

void mark_seen(const Dataset& data, const Mask& mask, HoldoutResult& holdout) {
  std::string counts;
  for (const LoadedSet& set : data.sets) {
    const std::vector<Conversation>& rows = set.rows(Split::kTest);
    const int64_t n_seen = std::count_if(rows.begin(), rows.end(), [&](const Conversation& row) {
      return std::binary_search(
          mask.conversations.begin(), mask.conversations.end(), conversation_hash(row));
    });
    holdout.metrics[set.spec.metric].n_seen = n_seen;
    if (n_seen > 0) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(n_seen) + " of " +
                std::to_string(rows.size()) + " of " + display_name(set.spec.metric);
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
