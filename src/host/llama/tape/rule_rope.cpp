// Rotary position embedding and its reverse: rotations, each the other's transpose.
#include <algorithm>

#include "host/llama/tape/rules.h"
#include "host/llama/tape/small_graph.h"

namespace mascing {

void rule_rope(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const int64_t n_byte = 2 * node.n_element() * static_cast<int64_t>(sizeof(float));
  SmallGraph graph(n_byte, 4);
  ggml_tensor* back = graph.like(node.shape, GGML_TYPE_F32);
  back->op = node.shape.op == GGML_OP_ROPE ? GGML_OP_ROPE_BACK : GGML_OP_ROPE;
  std::copy(std::begin(node.shape.op_params), std::end(node.shape.op_params), back->op_params);
  back->src[0] = graph.floats(node.shape, d_node);
  for (int64_t i = 1; i < 3 && node.sources[i] != TapeTensor::kNone; ++i) {
    const TapeTensor& constant = tape.source(node, i);
    back->src[i] = graph.refer(constant.shape, tape.bytes(constant));
  }
  graph.compute(back);
  tape.add_gradient(source, static_cast<const float*>(back->data));
}

}  // namespace mascing
