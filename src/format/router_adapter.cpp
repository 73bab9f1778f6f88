// The hash of an adapter. Masks of one search differ in `up` alone, which is far smaller than
// `down` on wide models.
#include "mascing/router_adapter.h"

#include <mutex>
#include <optional>
#include <utility>

#include "base/sha256.h"

namespace mascing {

/// The beginning of a hash: rank and `down`.
struct AdapterDown::Hashed {
  std::mutex mutex;
  int64_t rank = 0;
  std::optional<Sha256> digest;
};

AdapterDown::AdapterDown(std::vector<float> values)
    : values_(std::move(values)), hashed_(std::make_unique<Hashed>()) {}

AdapterDown::~AdapterDown() = default;

std::string RouterAdapter::hash() const {
  AdapterDown::Hashed& hashed = *down->hashed_;
  Sha256 digest = [&] {
    const std::lock_guard<std::mutex> lock(hashed.mutex);
    if (!hashed.digest || hashed.rank != rank) {
      Sha256 begun;
      begun.update("adapter " + std::to_string(rank) + "\n");
      begun.update(down->data(), down->size() * sizeof(float));
      hashed.digest.emplace(std::move(begun));
      hashed.rank = rank;
    }
    return hashed.digest->copy();
  }();
  digest.update(up.data(), up.size() * sizeof(float));
  return digest.hex();
}

}  // namespace mascing
