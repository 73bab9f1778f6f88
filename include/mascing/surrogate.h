// The network that predicts the label of a conversation from its trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// Sizes of the surrogate (method.md, step 3).
struct SurrogateShape {
  int64_t n_layer = 0;    ///< L
  int64_t n_expert = 0;   ///< E
  int64_t n_proj = 16;    ///< width of the projection shared by all layers
  int64_t n_hidden = 64;  ///< H

  bool operator==(const SurrogateShape&) const = default;
};

/// x = LayerNorm_E(z), shared Linear(E -> n_proj), layers concatenated, LSTM over tokens (gate
/// order i, f, g, o), Linear(H -> 1) on the last state. All weights in one flat vector, in the
/// order and layout that nn/surrogate_layout.h names.
struct Surrogate {
  SurrogateShape shape;
  std::vector<float> values;
  /// Hashes of the conversations it was trained on, sorted (Mask::conversations); may be empty.
  std::vector<std::string> conversations = {};
};

}  // namespace mascing
