// Vectors end to end.
#pragma once

#include <vector>

namespace mascing {

/// Copies `more` to the end of `all`.
template <typename T>
void append(const std::vector<T>& more, std::vector<T>& all) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace mascing
