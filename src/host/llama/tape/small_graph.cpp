#include "host/llama/tape/small_graph.h"

#include <cstring>

#include <ggml-cpu.h>

#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kPadding = 64;  ///< bytes that an allocation may take beyond its size

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

void SmallGraph::compute(ggml_tensor* result) {
  ggml_cgraph* graph = ggml_new_graph(context_.get());
  ggml_build_forward_expand(graph, result);
  ggml_cplan plan = ggml_graph_plan(graph, 1, nullptr);
  std::vector<uint8_t> work(plan.work_size);
  plan.work_data = work.data();
  if (ggml_graph_compute(graph, &plan) != GGML_STATUS_SUCCESS) {
    throw Error(ErrorKind::kHost, "[gradient] a graph could not be computed");
  }
}

}  // namespace mascing
