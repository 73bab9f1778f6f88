// The surrogate's parameters: names, sizes and places of its tensors in the one flat vector, and
// their initial values. All tensors are row-major with PyTorch's axes, so a state_dict copies
// across.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/surrogate.h"

namespace mascing {

/// One tensor inside Surrogate::values: `size` numbers from `offset`, product of `dims`.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> dims;
  int64_t offset = 0;
  int64_t size = 0;
};

/// ln_gain [E], ln_bias [E], proj_weight [P, E], proj_bias [P], lstm_weight_ih [4H, L*P] (input l*P
/// + p, gates i, f, g, o), lstm_weight_hh [4H, H], lstm_bias_ih [4H], lstm_bias_hh [4H], out_weight
/// [H], out_bias [1]; in this order, without gaps. Throws Error{kBadInput} unless all four sizes
/// are positive and small enough for the total to be counted.
[[nodiscard]] std::vector<TensorSpec> surrogate_tensors(const SurrogateShape& shape);

/// Number of parameters; throws as above.
[[nodiscard]] int64_t surrogate_size(const SurrogateShape& shape);

/// PyTorch's default initial values: LayerNorm 1 and 0, Linear U(+-1/sqrt(fan_in)) for weight and
/// bias, LSTM U(+-1/sqrt(H)).
[[nodiscard]] std::vector<float> initial_surrogate(const SurrogateShape& shape, uint64_t seed);

/// Throws Error{kBadInput} unless the number of values fits the shape and all are finite.
void check_surrogate(const Surrogate& surrogate);

/// Pointers to the tensors inside a flat vector of parameters (or of their gradients).
template <typename Scalar>
struct SurrogateView {
  SurrogateView(const SurrogateShape& shape, Scalar* values);

  Scalar* ln_gain;         ///< [E]
  Scalar* ln_bias;         ///< [E]
  Scalar* proj_weight;     ///< [P, E]
  Scalar* proj_bias;       ///< [P]
  Scalar* lstm_weight_ih;  ///< [4H, L*P]
  Scalar* lstm_weight_hh;  ///< [4H, H]
  Scalar* lstm_bias_ih;    ///< [4H]
  Scalar* lstm_bias_hh;    ///< [4H]
  Scalar* out_weight;      ///< [H]
  Scalar* out_bias;        ///< [1]
};

}  // namespace mascing
