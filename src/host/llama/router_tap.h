// Reads and rewrites router logits, and optionally the residual stream, while libllama computes its
// graph, through the evaluation callback.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "host/llama/graph_listener.h"
#include "host/llama/staging.h"
#include "mascing/host.h"

struct ggml_tensor;

namespace mascing {

/// What the tap does with one token of a batch.
struct TapColumn {
  const Steering* steering = nullptr;  ///< not owned; null = leave the token alone
  uint16_t* record = nullptr;          ///< half precision [L, E] to fill, or null
  float* residual = nullptr;           ///< [n_block, D] to fill, or null
  int64_t i_request = -1;              ///< shown to the observer under these numbers; -1 = not
  int64_t i_token = 0;
};

/// One per context. Before each decode the host sets the action for every token (`plan`);
/// afterwards it checks for errors (`finish`). The callback never lets an exception pass into
/// libllama.
class RouterTap {
 public:
  explicit RouterTap(const ModelInfo& info);

  /// `columns`: one per token of the batch, in its order. `output_columns`: indices of the tokens
  /// flagged as outputs, ascending: in the last block only these exist. `stop_after_routers`: give
  /// up the graph once the last router has been seen.
  void plan(std::vector<TapColumn> columns,
            std::vector<int32_t> output_columns,
            bool stop_after_routers);
  /// Whom to show the tokens with an `i_request`, from the next plan on; null = nobody. Must
  /// outlive the decodes.
  void set_observer(const RouterObserver* observer) { observer_ = observer; }
  /// Whom to show every node of the graph from now on; null = nobody. Must outlive the decodes.
  void set_listener(GraphListener* listener) { listener_ = listener; }
  /// Throws what went wrong in the callback, Error{kHost} if a planned layer or block was never
  /// seen.
  void finish();

  /// ggml_backend_sched_eval_callback; `self` is the RouterTap.
  static bool on_tensor(ggml_tensor* tensor, bool ask, void* self);

 private:
  bool handle(ggml_tensor* tensor, bool ask);
  void show_node(ggml_tensor* tensor);
  /// -1 = not a router. Tells the product of weight and input from the sum with the bias.
  [[nodiscard]] int64_t layer_of(const ggml_tensor* tensor, bool& is_biased) const;
  [[nodiscard]] int64_t block_of(const char* name) const;  ///< -1 = no block's residual stream
  [[nodiscard]] bool wants(int64_t i_layer) const;
  [[nodiscard]] bool wants_block(int64_t i_block) const;
  void plan_steering(const Steering& steering);
  /// Fills data_ with a tensor of one column per token or per output; returns the columns' number.
  int64_t read_columns(const ggml_tensor* tensor, int64_t n_row);
  void apply(ggml_tensor* tensor, int64_t i_layer);
  void apply_to_block(ggml_tensor* tensor, int64_t i_block);
  void read_inputs(const ggml_tensor* tensor);
  void show_column(int64_t i_column, const TapColumn& column, int64_t i_layer) const;
  [[nodiscard]] int64_t token_of_column(int64_t i_column, int64_t n_column) const;
  void record_column(const float* z, const TapColumn& column, int64_t i_layer) const;
  /// True if z was changed.
  bool steer_column(float* z,
                    const float* input,
                    const TapColumn& column,
                    int64_t i_layer,
                    float sigma_batch) const;
  [[nodiscard]] bool reads_inputs(int64_t i_layer) const {
    return observes_ || adapted_layers_[i_layer];
  }

  int64_t n_layer_;
  int64_t n_expert_;
  int64_t n_embd_;
  std::vector<int64_t> layer_of_block_;  ///< -1 for blocks without a router
  std::vector<bool> has_bias_;           ///< [L]
  std::vector<TapColumn> columns_;
  std::vector<int32_t> output_columns_;
  std::vector<bool> steered_layers_;  ///< [L] some token of the batch is steered here
  std::vector<bool> adapted_layers_;  ///< [L] likewise, by a mask with an adapter
  std::vector<bool> steered_blocks_;  ///< [n_block] likewise, by a control vector
  bool records_ = false;
  bool observes_ = false;
  bool reads_blocks_ = false;
  bool needs_batch_sigma_ = false;  ///< some mask is in units of the whole batch's spread
  const RouterObserver* observer_ = nullptr;
  GraphListener* listener_ = nullptr;
  bool stop_after_routers_ = false;
  std::vector<bool> seen_;         ///< [L]
  std::vector<bool> seen_blocks_;  ///< [n_block]
  Staging data_;                   ///< of the running tensor: [n, E] or [n, D]
  std::vector<float> before_;      ///< logits before a mask is added, for the observer, [n, E]
  Staging inputs_;                 ///< router inputs of the same layer, [n, D], where they are read
  std::exception_ptr error_;
};

}  // namespace mascing
