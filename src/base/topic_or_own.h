// Topics as cases: what has none is a case of its own.
#pragma once

#include <string>

namespace mascing {

/// The topic, or a name for `id` alone that no topic has.
[[nodiscard]] inline std::string topic_or_own(const std::string& topic, const std::string& id) {
  return topic.empty() ? '\n' + id : topic;
}

}  // namespace mascing
