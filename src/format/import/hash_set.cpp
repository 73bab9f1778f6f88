// Linear probing at up to three quarters full.
#include "format/import/hash_set.h"

#include <utility>

namespace mascing {

namespace {

constexpr size_t kFirstSlots = 1024;

// Zero marks a free slot.
uint64_t stored(uint64_t hash) {
  return hash == 0 ? 1 : hash;
}

}  // namespace

bool HashSet::insert(uint64_t hash) {
  if (4 * (n_used_ + 1) > 3 * slots_.size()) {
    grow();
  }
  const size_t slot = slot_of(hash);
  if (slots_[slot] != 0) {
    return false;
  }
  slots_[slot] = stored(hash);
  ++n_used_;
  return true;
}

size_t HashSet::slot_of(uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = stored(hash) & mask;
  while (slots_[slot] != 0 && slots_[slot] != stored(hash)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void HashSet::grow() {
  std::vector<uint64_t> old(slots_.empty() ? kFirstSlots : 2 * slots_.size(), 0);
  std::swap(old, slots_);
  for (const uint64_t hash : old) {
    if (hash != 0) {
      slots_[slot_of(hash)] = hash;
    }
  }
}

}  // namespace mascing
