// libllama without mascing: a model and a context that the test drives itself, to compare the host
// with. It can run with no callback at all, with one that only looks, or with a RouterTap under it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/llama/engine.h"
#include "host/llama/router_tap.h"

namespace mascing {

/// A tensor of the graph after it was computed (and, if there is a tap, after the tap had it).
struct Observation {
  int64_t n_row_value = 0;     ///< values of one token
  std::vector<float> values;   ///< f32 tensors, [token, value]
  std::vector<int32_t> picks;  ///< i32 tensors, [token, value]
};

class RawModel {
 public:
  enum class Callback { kNone, kObserve };

  /// Same parameters as the host opens its context with.
  RawModel(const LlamaHostOptions& options, Callback callback, RouterTap* tap = nullptr);

  /// Empties the cache and decodes `tokens` as sequence 0. `output[i]`: logits are wanted.
  void decode(const std::vector<int32_t>& tokens, const std::vector<bool>& output);
  /// One more token at `position`, its logits wanted.
  void decode_next(int32_t token, int64_t position);
  /// Logits of token i of the last decode, [V].
  [[nodiscard]] const float* logits(int64_t i) const;
  [[nodiscard]] int64_t n_vocab() const;
  /// libllama's own control vector, from block 1 on: it knows none for block 0.
  void set_control_vector(const ControlVector& control);
  /// Tensors named ffn_moe_logits-N, ffn_moe_probs-N, ffn_moe_topk-N and l_out-N of the last
  /// decode.
  [[nodiscard]] const Observation& seen(const std::string& name) const { return seen_.at(name); }

 private:
  static bool on_tensor(ggml_tensor* tensor, bool ask, void* self);
  void observe(const ggml_tensor* tensor);
  void run(const std::vector<int32_t>& tokens, const std::vector<bool>& output, int64_t position);

  std::unique_ptr<llama_model, LlamaModelDeleter> model_;
  std::unique_ptr<llama_context, LlamaContextDeleter> context_;
  RouterTap* tap_;
  std::map<std::string, Observation> seen_;
};

}  // namespace mascing
