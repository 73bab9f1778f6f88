// Sums and counts of each topic, for the statistics of groups.
#include "stage/topic_changes.h"

#include <algorithm>
#include <vector>

#include "base/numeric.h"
#include "stage/statistics.h"

namespace mascing {

void TopicChanges::add(const std::string& topic, int change) {
  Topic& changed = topics_[topic];
  ++changed.n;
  changed.change += change;
}

std::optional<TopicResult> TopicChanges::result() const {
  const bool are_alone = std::all_of(
      topics_.begin(), topics_.end(), [](const auto& topic) { return topic.second.n == 1; });
  if (are_alone) {
    return std::nullopt;
  }
  std::vector<int64_t> changes;
  std::vector<double> sums;
  std::vector<double> counts;
  for (const auto& [name, topic] : topics_) {
    changes.push_back(topic.change);
    sums.push_back(to_double(topic.change));
    counts.push_back(to_double(topic.n));
  }
  return TopicResult{std::ssize(changes), grouped_change(sums, counts), sign_flip_exact(changes)};
}

}  // namespace mascing
