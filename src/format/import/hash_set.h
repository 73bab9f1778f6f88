// The set of texts seen so far, in 8 bytes a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mascing {

/// A set of 64-bit hashes with open addressing. Two different texts are taken for one with a chance
/// of n^2 / 2^65: 1 in 10 million for two million texts.
class HashSet {
 public:
  /// True if the hash was not there.
  bool insert(uint64_t hash);
  [[nodiscard]] bool contains(uint64_t hash) const;

 private:
  [[nodiscard]] size_t slot_of(uint64_t hash) const;
  void grow();

  std::vector<uint64_t> slots_;  // a power of two; 0 = free
  size_t n_used_ = 0;
};

}  // namespace mascing
