// Scalar functions and parameters that several rules use.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include <ggml.h>

namespace mascing {

/// A function and its slope at one place.
struct ValueSlope {
  float value;
  float slope;
};

[[nodiscard]] inline float logistic(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}

[[nodiscard]] inline ValueSlope sigmoid(float x) {
  const float p = logistic(x);
  return {p, p * (1.0F - p)};
}

[[nodiscard]] inline ValueSlope softplus(float x) {
  return {x > 20.0F ? x : std::log1p(std::exp(x)), logistic(x)};
}

/// The `i`-th parameter of a node's operation, where it is a float.
[[nodiscard]] inline float float_parameter(const ggml_tensor& node, int64_t i) {
  float value = 0.0F;
  std::memcpy(&value, node.op_params + i, sizeof(float));
  return value;
}

}  // namespace mascing
