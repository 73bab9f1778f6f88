// The routers of a model in a few numbers that outlast rounding: they tell whether two files hold
// the same routers in different tensor types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// A count sketch of each router tensor, weight before bias, layer by layer. The distance of two
/// sketches estimates the distance of the tensors (Charikar, Chen, Farach-Colton 2002). Empty if
/// not known: masks of earlier versions, tensor types that cannot be decoded.
struct RouterSketch {
  static constexpr int64_t kWidth = 64;  ///< numbers for each tensor
  std::vector<int64_t> types = {};       ///< [R] of the R tensors, as GGUF numbers them
  std::vector<float> values = {};        ///< [R, kWidth]

  bool operator==(const RouterSketch&) const = default;
  [[nodiscard]] bool empty() const { return types.empty(); }
  /// Adds a tensor of `n` values that is stored as `type`.
  void add(int64_t type, const float* tensor, int64_t n);
};

/// Largest relative distance that the rounding of a tensor type explains; 0 for 32-bit floats, and
/// for types whose rounding leaves too little of a router to know it by (one and two bits).
[[nodiscard]] double rounding_tolerance(int64_t type);

/// True if no two tensors are farther apart than the rounding of their types explains. Two sketches
/// of 32-bit floats must be equal. False if one is empty or the shapes differ.
[[nodiscard]] bool agree(const RouterSketch& first, const RouterSketch& second);

/// What a file says of the model it belongs to.
struct ModelMark {
  const std::string& architecture;
  const std::string& fingerprint;
  const RouterSketch& routers;
};

/// Whether two models have the same routers: equal fingerprints, or else the same architecture and
/// sketches that agree.
[[nodiscard]] bool have_same_routers(const ModelMark& first, const ModelMark& second);

}  // namespace mascing
