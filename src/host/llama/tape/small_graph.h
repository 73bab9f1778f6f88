// A graph of a few operations of ggml that is built and computed on the spot, on the processor.
#pragma once

#include <memory>
#include <vector>

#include <ggml.h>

namespace mascing {

class SmallGraph {
 public:
  /// Room for values of this size in all, overheads excluded, and for `n_tensor` tensors.
  SmallGraph(int64_t n_byte, int64_t n_tensor);

  [[nodiscard]] ggml_context* context() { return context_.get(); }
  /// A tensor of that type and shape without source or values.
  ggml_tensor* like(const ggml_tensor& shape, ggml_type type);
  /// The same, of floats, with values.
  ggml_tensor* floats(const ggml_tensor& shape, const float* values);
  /// Makes a tensor of the graph that refers to values elsewhere.
  ggml_tensor* refer(const ggml_tensor& shape, const void* values);
  /// Computes what `result` needs. Throws Error{kHost} if that fails.
  void compute(ggml_tensor* result, int64_t n_thread = 1);

 private:
  struct Deleter {
    void operator()(ggml_context* context) const { ggml_free(context); }
  };
  std::unique_ptr<ggml_context, Deleter> context_;
};

}  // namespace mascing
