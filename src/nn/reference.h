// The surrogate as plain loops over sequences, tokens and numbers, following the equations
// directly. Reference for tests of the fast version; only tests use it.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/surrogate.h"

namespace mascing::nn {

template <typename Scalar>
struct ReferenceResult {
  std::vector<Scalar> logits;                ///< [n_sequence]
  double loss = 0.0;                         ///< mean binary cross-entropy
  std::vector<Scalar> d_values;              ///< [surrogate_size]
  std::vector<std::vector<Scalar>> d_input;  ///< per sequence [T, L, E]
};

/// `sequences` are [T, L, E] each, T >= 1; labels [n_sequence] are 0 or 1.
template <typename Scalar>
[[nodiscard]] ReferenceResult<Scalar> reference_surrogate(
    const SurrogateShape& shape,
    const std::vector<Scalar>& values,
    const std::vector<std::vector<Scalar>>& sequences,
    const std::vector<Scalar>& labels);

}  // namespace mascing::nn
