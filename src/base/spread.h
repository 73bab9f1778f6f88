// A fair part of rows that stand in some order, such as that of their topics.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mascing {

/// `n_most` of 0 .. n - 1, evenly spread and in ascending order; all if there are no more. With an
/// `offset` each stands so many places further on, and those that would pass the end begin again
/// at 0: other offsets take other places.
[[nodiscard]] inline std::vector<size_t> spread_indices(size_t n,
                                                        size_t n_most,
                                                        size_t offset = 0) {
  const size_t n_taken = std::min(n, n_most);
  std::vector<size_t> taken;
  taken.reserve(n_taken);
  for (size_t i = 0; i < n_taken; ++i) {
    taken.push_back((i * n / n_taken + offset) % n);
  }
  return taken;
}

/// The elements at some places.
template <typename T>
[[nodiscard]] std::vector<T> taken_at(const std::vector<T>& all,
                                      const std::vector<size_t>& places) {
  std::vector<T> taken;
  taken.reserve(places.size());
  for (const size_t place : places) {
    taken.push_back(all[place]);
  }
  return taken;
}

}  // namespace mascing
