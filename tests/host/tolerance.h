// How near two ways to the same number must come.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>

namespace mascing {

/// Whether a batch of another shape rounds otherwise: a GPU multiplies in half precision and adds
/// in an order that depends on the size of a batch. Processors with AVX-512 for bfloat16 were seen
/// to, too; by which of their instructions is not known.
inline bool rounds_by_batch() {
  return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU) != nullptr ||
         ggml_cpu_has_avx512_bf16() != 0;
}

/// `coarse` where batches of another shape round otherwise, else `fine`.
inline double tolerance(double fine, double coarse) {
  return rounds_by_batch() ? coarse : fine;
}

}  // namespace mascing
