// In which memory the weights of a model are, seen from the graph that multiplies them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <ggml-backend.h>
#include <ggml.h>

#include "host/llama/engine.h"

namespace mascing {

/// Notes the buffer of each weight that a product reads.
class BufferNotes : public GraphListener {
 public:
  void on_router(const ggml_tensor* /*tensor*/, int64_t /*i_layer*/) override {}
  void on_node(const ggml_tensor* tensor) override {
    if (tensor->op == GGML_OP_MUL_MAT || tensor->op == GGML_OP_MUL_MAT_ID) {
      const ggml_tensor* weight = tensor->src[0];
      if (weight->buffer != nullptr && std::string(weight->name).ends_with(".weight")) {
        names[weight->name] = ggml_backend_buffer_name(weight->buffer);
      }
    }
  }

  std::map<std::string, std::string> names;  ///< by tensor
};

/// The buffers of all weights of a model that is opened with these options, by tensor.
inline std::map<std::string, std::string> weight_buffers(const LlamaHostOptions& options) {
  Engine engine(std::make_shared<const LoadedModel>(options), options);
  BufferNotes notes;
  engine.set_listener(&notes);
  TokenBatch batch(4, 1);
  for (int32_t t = 0; t < 4; ++t) {
    batch.add(t + 1, t, {0, 1}, true, {});
  }
  engine.decode(batch, false);
  return notes.names;
}

/// "blk.3.ffn_up_exps.weight" is an expert's.
inline bool is_expert(const std::string& tensor) {
  return tensor.find("_exps") != std::string::npos;
}

}  // namespace mascing
