// The surrogate on one thread: projection, LSTM and output, forward and backward, over ragged
// sequences. Logits are fetched token by token and normalised in the first-level cache; nothing of
// size [T, L, E] is ever stored, the backward pass fetches and normalises them again.
#pragma once

#include <cstdint>

#include "nn/lstm.h"
#include "nn/matrix.h"
#include "nn/prepared_weights.h"
#include "nn/ragged.h"
#include "nn/token_reader.h"
#include "nn/weight_gradient.h"

namespace mascing::nn {

/// Tokens processed at once: enough rows for the products of every time step, few enough for
/// the memory.
[[nodiscard]] int64_t piece_tokens(const SurrogateShape& shape);

template <typename Scalar>
class Network {
 public:
  /// `weights` must outlive it.
  explicit Network(const PreparedWeights<Scalar>& weights);

  /// Logit of label 1 for every sequence of the layout, to logits[sequence number].
  void forward(const RaggedLayout& layout, const TokenReader<Scalar>& reader, Scalar* logits);

  /// From d_logits[sequence number], after `forward` on the same layout; once per forward pass.
  /// Adds to `gradient`.
  void backward(const RaggedLayout& layout,
                const TokenReader<Scalar>& reader,
                const Scalar* d_logits,
                WeightGradient<Scalar>& gradient);

 private:
  void features(const RaggedLayout& layout, const TokenReader<Scalar>& reader);
  void backward_projection(const RaggedLayout& layout,
                           const TokenReader<Scalar>& reader,
                           WeightGradient<Scalar>& gradient);

  const PreparedWeights<Scalar>& weights_;
  Lstm<Scalar> lstm_;
  Workspace<Scalar> token_;    // [L, E]
  Workspace<Scalar> mean_;     // [n_row, L]
  Workspace<Scalar> inv_std_;  // [n_row, L]
  Workspace<Scalar> x_;        // [n_row, L * F]
  Workspace<Scalar> d_x_;      // [block of rows, L * F]
  Workspace<Scalar> last_;     // [n_sequence, H]
  Workspace<Scalar> d_last_;   // [n_sequence, H]
};

}  // namespace mascing::nn
