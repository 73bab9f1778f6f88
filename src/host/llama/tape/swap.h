// What a swap of the last chosen expert for one of the next would do to the outcome: the part of
// the derivative that a fixed choice does not have.
#pragma once

#include <cstdint>

#include "host/llama/tape/recorder.h"
#include "host/llama/tape/reverse.h"

namespace mascing {

/// Whether a node is the experts' outputs times their weights, of which the layer's output is the
/// sum.
[[nodiscard]] bool is_sum_of_experts(const Tape& tape, int64_t node);

/// `weighted`: such a node, its gradient known. Adds to the gradient of the layer's router logits z
/// for each token and each runner-up j
///   d z_j += g, d z_K -= g,  g = phi(u) / (width sigma) w_K <d output, f_j - f_K>
/// with u = (z_j - z_K) / (width sigma). Where the choice is made from other scores c(z), such as
/// probabilities with a bias, u and g are those of c, its noise width sigma times the slope of c.
/// The outputs f_j are computed by the graph's own operations. False if the layer's graph has
/// another form; then nothing is added.
[[nodiscard]] bool add_swaps(TapeRecorder& recorder, const TapedColumns& columns, int64_t weighted);

}  // namespace mascing
