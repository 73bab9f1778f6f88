// The reverse pass over a tape: from a gradient of the output logits to that of the steering
// matrix.
#pragma once

#include <string>
#include <vector>

#include "host/llama/tape/recorder.h"
#include "mascing/gradient_requests.h"
#include "mascing/steering.h"

namespace mascing {

class ReversePass {
 public:
  /// The tape must hold one decode under `steering`, whose mask may be all zeros.
  ReversePass(TapeRecorder& recorder, const Steering& steering, const SwapOptions& swap);

  /// Adds d outcome / d S to `d_steer` [L, E]. `d_output` has the shape of the node `output`, to
  /// which every operation must have a rule. Can be called again for another outcome.
  void run(int64_t output, const float* d_output, std::vector<float>& d_steer);

  /// MoE layers whose graph has no place for the effect of swaps, in the last run.
  [[nodiscard]] int64_t n_layer_without_swap() const { return n_layer_without_swap_; }

 private:
  void visit(int64_t index, std::vector<float>& d_steer);
  void visit_router(const TapeTensor& router, std::vector<float>& d_steer);

  TapeRecorder& recorder_;
  const Steering& steering_;
  SwapOptions swap_;
  int64_t n_layer_without_swap_ = 0;
};

/// Operations on the way from the router logits to `output` that have no rule, by name.
[[nodiscard]] std::vector<std::string> operations_without_rule(const Tape& tape, int64_t output);

}  // namespace mascing
