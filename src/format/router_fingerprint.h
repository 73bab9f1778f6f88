// The fingerprint of a model: a hash of its routers, independent of the file they are in. Also the
// text form of their sketch, which files keep beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "mascing/router_sketch.h"

namespace mascing {

/// SHA-256 over architecture and, layer by layer, block number, type, dims and bytes of the
/// router's weight, then of its bias where it has one.
class RouterFingerprint {
 public:
  explicit RouterFingerprint(const std::string& architecture);

  /// `kind`: "weight" or "bias"; `type` and `dims` as GGUF has them (fastest first).
  void add(int64_t block,
           const std::string& kind,
           int32_t type,
           const std::vector<int64_t>& dims,
           const void* data,
           size_t size_bytes);
  [[nodiscard]] std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

/// One line for each tensor: its type and the numbers, which come back as they were.
[[nodiscard]] std::vector<std::string> sketch_lines(const RouterSketch& sketch);
/// Empty if a line is not of this form.
[[nodiscard]] RouterSketch sketch_from_lines(const std::vector<std::string>& lines);

}  // namespace mascing
