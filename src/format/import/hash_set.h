// The set of texts seen so far, in 8 bytes a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mascing {

/// A set of 64-bit hashes with open addressing. The probability of a
/// collision is n^2 / 2^65, or 1 in 10 million for two million texts.
class HashSet {
 public:
  /// Inserts the hash; true if it is new.
  bool insert(uint64_t hash);

 private:
  [[nodiscard]] size_t slot_of(uint64_t hash) const;
  void grow();

  std::vector<uint64_t> slots_;  // a power of two; 0 = free
  size_t n_used_ = 0;
};

}  // namespace mascing
