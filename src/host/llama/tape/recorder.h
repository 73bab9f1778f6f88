// Fills a tape while libllama computes, and keeps what the mask hides: the router logits before it
// was added.
#pragma once

#include <map>
#include <vector>

#include "host/llama/graph_listener.h"
#include "host/llama/tape/tape.h"

namespace mascing {

/// A router on the tape.
struct TapedRouter {
  int64_t tensor = TapeTensor::kNone;  ///< on the tape: the logits as the model used them
  std::vector<float> before;           ///< [column, E] the same before the mask was added
  int64_t input = TapeTensor::kNone;   ///< on the tape: what the router read, [column, D]
};

class TapeRecorder : public GraphListener {
 public:
  void clear();
  void on_router(const ggml_tensor* tensor, int64_t i_layer) override;
  void on_node(const ggml_tensor* tensor) override;

  [[nodiscard]] Tape& tape() { return tape_; }
  [[nodiscard]] const std::map<int64_t, TapedRouter>& routers() const { return routers_; }

 private:
  Tape tape_;
  std::map<int64_t, TapedRouter> routers_;  ///< by MoE layer
  int64_t next_layer_ = TapeTensor::kNone;
};

}  // namespace mascing
