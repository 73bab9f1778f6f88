// How near two ways to the same number must come.
#pragma once

#include <ggml-backend.h>

namespace mascing {

/// A GPU multiplies in half precision and adds in an order that depends on the size of a batch:
/// where there is one, `gpu` instead of `cpu`.
inline double tolerance(double cpu, double gpu) {
  return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU) == nullptr ? cpu : gpu;
}

}  // namespace mascing
