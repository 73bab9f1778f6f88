// A list as a set: in order, each value once.
#pragma once

#include <algorithm>
#include <vector>

namespace mascing {

template <typename T>
[[nodiscard]] std::vector<T> sorted_unique(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace mascing
