// Changes between two sides on the same conversations, with topics as the cases.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mascing/metric_result.h"

namespace mascing {

class TopicChanges {
 public:
  /// A conversation of `topic` (topic_or_own()) with a verdict on both sides. `change`: 1 where
  /// only the second side is as wanted, -1 where only the first one is, else 0.
  void add(const std::string& topic, int change);

  /// None where no topic has several conversations.
  [[nodiscard]] std::optional<TopicResult> result() const;

 private:
  struct Topic {
    int64_t n = 0;
    int64_t change = 0;  ///< sum
  };
  std::map<std::string, Topic> topics_;
};

}  // namespace mascing
