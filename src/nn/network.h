// The surrogate on one thread: projection, LSTM and output, forward and backward, over ragged
// sequences. Logits are fetched token by token and handled in blocks that fit the cache; nothing of
// size [T, L, E] is ever stored, the backward pass fetches and normalises them again.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/train.h"
#include "nn/lstm.h"
#include "nn/matrix.h"
#include "nn/projection.h"
#include "nn/ragged.h"
#include "nn/surrogate.h"

namespace mascing::nn {

/// Writes the logits [L, E] of one token to z. Called from several threads at once.
template <typename Scalar>
using LoadToken = std::function<void(int64_t i_sequence, int64_t i_token, Scalar* z)>;

/// Receives the gradient [L, E] of one token's logits.
template <typename Scalar>
using StoreToken = std::function<void(int64_t i_sequence, int64_t i_token, const Scalar* d_z)>;

/// Where gradients go; what is not wanted stays empty.
template <typename Scalar>
struct GradientSink {
  Scalar* d_values = nullptr;  ///< added to: gradients of all parameters, laid out as they are
  StoreToken<Scalar> store;    ///< called once per token
};

template <typename Scalar>
class Network {
 public:
  explicit Network(const SurrogateShape& shape);

  /// `values` [surrogate_size] must stay as they are until the next call of this.
  void set_weights(const Scalar* values);

  /// Logit of label 1 for every sequence of the layout, to logits[sequence number].
  void forward(const RaggedLayout& layout, const LoadToken<Scalar>& load, Scalar* logits);

  /// From d_logits[sequence number], after `forward` on the same layout; once per forward pass.
  void backward(const RaggedLayout& layout,
                const LoadToken<Scalar>& load,
                const Scalar* d_logits,
                const GradientSink<Scalar>& sink);

 private:
  /// Fetches `n` packed rows from `first` into block_ and returns them as [n * L, E].
  MatrixMap<Scalar> load_block(const RaggedLayout& layout,
                               const LoadToken<Scalar>& load,
                               int64_t first,
                               int64_t n);
  void backward_tokens(const RaggedLayout& layout,
                       const LoadToken<Scalar>& load,
                       const GradientSink<Scalar>& sink);

  SurrogateShape shape_;
  int64_t n_block_;  // tokens per block
  const Scalar* values_ = nullptr;
  Projection<Scalar> projection_;
  Lstm<Scalar> lstm_;
  Workspace<Scalar> block_;    // [n_block * L, E]
  Workspace<Scalar> d_block_;  // [n_block * L, E]
  Workspace<Scalar> inv_std_;  // [1, n_block * L]
  Workspace<Scalar> x_;        // [n_row, L * P], after the backward pass its gradient
  Workspace<Scalar> last_;     // [n_sequence, H]
  Workspace<Scalar> d_last_;   // [n_sequence, H]
};

}  // namespace mascing::nn
