#include "host/llama/tape/small_graph.h"

#include <cstring>

#include "host/llama/back_ends.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kPadding = 64;  ///< bytes that an allocation may take beyond its size

struct BackEndDeleter {
  void operator()(ggml_backend* back_end) const { ggml_backend_free(back_end); }
};
using BackEnd = std::unique_ptr<ggml_backend, BackEndDeleter>;

/// The processor with so many threads; every thread of ours has a back end of its own.
ggml_backend_t processor(int64_t n_thread) {
  static thread_local const BackEnd own = [] {
    load_back_ends();
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    BackEnd back_end(device == nullptr ? nullptr : ggml_backend_dev_init(device, nullptr));
    if (!back_end) {
      throw Error(ErrorKind::kHost, "[gradient] ggml has no back end for the processor");
    }
    return back_end;
  }();
  back_end_function<ggml_backend_set_n_threads_t>(
      ggml_backend_dev_backend_reg(ggml_backend_get_device(own.get())),
      "ggml_backend_set_n_threads")(own.get(), static_cast<int>(n_thread));
  return own.get();
}

}  // namespace

SmallGraph::SmallGraph(int64_t n_byte, int64_t n_tensor) {
  ggml_init_params params{};
  params.mem_size =
      n_byte + (n_tensor + 2) * (ggml_tensor_overhead() + kPadding) + ggml_graph_overhead();
  context_.reset(ggml_init(params));
  if (!context_) {
    throw Error(ErrorKind::kHost, "[gradient] no memory for a graph");
  }
}

ggml_tensor* SmallGraph::like(const ggml_tensor& shape, ggml_type type) {
  return ggml_new_tensor(context_.get(), type, GGML_MAX_DIMS, shape.ne);
}

ggml_tensor* SmallGraph::floats(const ggml_tensor& shape, const float* values) {
  ggml_tensor* tensor = like(shape, GGML_TYPE_F32);
  std::memcpy(tensor->data, values, ggml_nbytes(tensor));
  return tensor;
}

ggml_tensor* SmallGraph::refer(const ggml_tensor& shape, const void* values) {
  ggml_set_no_alloc(context_.get(), true);
  ggml_tensor* tensor = ggml_new_tensor(context_.get(), shape.type, GGML_MAX_DIMS, shape.ne);
  ggml_set_no_alloc(context_.get(), false);
  std::copy(std::begin(shape.nb), std::end(shape.nb), std::begin(tensor->nb));
  tensor->data = const_cast<void*>(values);
  return tensor;
}

void SmallGraph::compute(ggml_tensor* result, int64_t n_thread) {
  ggml_cgraph* graph = ggml_new_graph(context_.get());
  ggml_build_forward_expand(graph, result);
  if (ggml_backend_graph_compute(processor(n_thread), graph) != GGML_STATUS_SUCCESS) {
    throw Error(ErrorKind::kHost, "[gradient] a graph could not be computed");
  }
}

}  // namespace mascing
