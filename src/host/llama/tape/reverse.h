// The reverse pass over a tape: from a gradient of the output logits to that of the mask's values.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/llama/tape/recorder.h"
#include "mascing/gradient_requests.h"
#include "mascing/steering.h"

namespace mascing {

/// Tokens of one request, neighbours in the batch.
struct TapedPart {
  const Steering* steering = nullptr;  ///< has a mask that is added; it may be all zeros
  int64_t n_token = 0;
  int64_t n_output = 0;  ///< tokens of them whose logits are wanted: all that the last block has
};

/// The columns of a taped decode.
struct TapedColumns {
  std::vector<TapedPart> parts;
  SwapOptions swap;

  /// The first column of each part, and behind the last, of a tensor with `n_column` columns: one
  /// for each token or one for each output. Throws Error{kHost} if it is neither.
  [[nodiscard]] std::vector<int64_t> bounds(int64_t n_column) const;
};

class ReversePass {
 public:
  ReversePass(TapeRecorder& recorder, TapedColumns columns);

  /// The sum of all parts' outcomes by the values of each part's mask, [part][values]. `d_output`
  /// has the shape of the node `output`, to which every operation must have a rule. Can be called
  /// again.
  [[nodiscard]] std::vector<std::vector<float>> run(int64_t output, const float* d_output);
  /// Called before each node; its exceptions end the pass.
  void set_check(std::function<void()> check) { check_ = std::move(check); }

  /// MoE layers whose graph has no place for the effect of swaps, in the last run.
  [[nodiscard]] int64_t n_layer_without_swap() const { return n_layer_without_swap_; }

 private:
  void visit(int64_t index);
  void visit_router(const TapeTensor& router);
  void visit_adapters(const TapeTensor& router, const std::vector<int64_t>& bounds);

  TapeRecorder& recorder_;
  TapedColumns columns_;
  std::function<void()> check_;
  std::vector<std::vector<float>> d_steer_;
  int64_t n_layer_without_swap_ = 0;
};

/// Operations on the way from the router logits to `output` that have no rule, by name.
[[nodiscard]] std::vector<std::string> operations_without_rule(const Tape& tape, int64_t output);

}  // namespace mascing
