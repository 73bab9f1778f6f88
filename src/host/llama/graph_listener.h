// Who is shown every node of a graph as it is computed.
#pragma once

#include <cstdint>

struct ggml_tensor;

namespace mascing {

class GraphListener {
 public:
  GraphListener() = default;
  GraphListener(const GraphListener&) = delete;
  GraphListener& operator=(const GraphListener&) = delete;
  virtual ~GraphListener() = default;

  /// The router logits of an MoE layer before a mask is added to them; on_node() follows.
  virtual void on_router(const ggml_tensor* tensor, int64_t i_layer) = 0;
  /// A node as later nodes will read it. Its memory is reused as soon as none of them needs it.
  virtual void on_node(const ggml_tensor* tensor) = 0;
};

}  // namespace mascing
