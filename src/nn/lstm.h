// The recurrent part of an LSTM over ragged sequences (PyTorch's equations, gate order i, f, g, o):
//   a_t = (input's share) + h_{t-1} W_hh^T,   i, f, o = sigmoid(a_i, a_f, a_o),   g = tanh(a_g)
//   c_t = f c_{t-1} + i g,   h_t = o tanh(c_t),   h_{-1} = c_{-1} = 0.
// The input's share of all tokens is computed beforehand by one matrix product; here there is one
// product per time step over the sequences still running (ragged.h), so nothing is padded.
#pragma once

#include "nn/matrix.h"
#include "nn/prepared_weights.h"
#include "nn/ragged.h"

namespace mascing::nn {

template <typename Scalar>
class Lstm {
 public:
  explicit Lstm(int64_t n_hidden) : n_hidden_(n_hidden) {}

  /// Memory [n_row, 4H] in packed order, to be filled with the input's share before `forward`; the
  /// gradients of that share after `backward`.
  [[nodiscard]] MatrixMap<Scalar> reserve(const RaggedLayout& layout);
  [[nodiscard]] MatrixMap<Scalar> gates() { return gates_.view(); }

  /// Writes the last state of every slot to last [n_sequence, H].
  void forward(const RaggedLayout& layout,
               const PackedMatrix<Scalar>& recurrent,
               MatrixMap<Scalar> last);

  /// From d_last [n_sequence, H], after `forward` on the same layout. The activations of the
  /// forward pass are overwritten, so this runs once per forward pass.
  void backward(const RaggedLayout& layout,
                const PackedMatrix<Scalar>& recurrent_backward,
                const ConstMatrixMap<Scalar>& d_last);

  /// States before the rows with t >= 1, in their order. [n_row - n_sequence, H]
  [[nodiscard]] MatrixMap<Scalar> previous_states(const RaggedLayout& layout);

 private:
  int64_t n_hidden_;
  Workspace<Scalar> gates_;      // [n_row, 4H]: activations i, f, g, o; after backward d_a
  Workspace<Scalar> cell_;       // [n_row, H]
  Workspace<Scalar> tanh_cell_;  // [n_row, H]
  Workspace<Scalar> hidden_;     // [n_row, H]
  Workspace<Scalar> previous_;   // [n_row - n_sequence, H]
  Workspace<Scalar> d_hidden_;   // [n_sequence, H]
  Workspace<Scalar> d_cell_;     // [n_sequence, H]
};

}  // namespace mascing::nn
