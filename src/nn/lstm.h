// LSTM over ragged sequences (PyTorch's equations, gate order i, f, g, o):
//   a = x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh,   i, f, o = sigmoid(a_i, a_f, a_o),   g =
//   tanh(a_g) c_t = f c_{t-1} + i g,   h_t = o tanh(c_t),   h_{-1} = c_{-1} = 0.
// The input's share of `a` is one matrix product over all tokens; the recurrent share is one per
// time step over the sequences still running (ragged.h), so nothing is padded.
#pragma once

#include "nn/matrix.h"
#include "nn/ragged.h"

namespace mascing::nn {

/// The four tensors of an LSTM layer, or of their gradients.
template <typename Scalar>
struct LstmTensors {
  Scalar* weight_ih = nullptr;  ///< [4H, I]
  Scalar* weight_hh = nullptr;  ///< [4H, H]
  Scalar* bias_ih = nullptr;    ///< [4H]
  Scalar* bias_hh = nullptr;    ///< [4H]
};

template <typename Scalar>
class Lstm {
 public:
  Lstm(int64_t n_input, int64_t n_hidden) : n_input_(n_input), n_hidden_(n_hidden) {}

  /// x [n_row, I] in packed order. Writes the last state of every slot to last [n_sequence, H].
  void forward(const RaggedLayout& layout,
               const LstmTensors<const Scalar>& weights,
               const ConstMatrixMap<Scalar>& x,
               MatrixMap<Scalar> last);

  /// Gradients of the pre-activations from d_last [n_sequence, H], after `forward` on the same
  /// layout. The activations of the forward pass are overwritten, so this runs once per forward
  /// pass.
  void backward(const RaggedLayout& layout,
                const LstmTensors<const Scalar>& weights,
                const ConstMatrixMap<Scalar>& d_last);

  /// After `backward`: adds to the gradients of the weights.
  void backward_weight(const RaggedLayout& layout,
                       const ConstMatrixMap<Scalar>& x,
                       const LstmTensors<Scalar>& d_weights);

  /// After `backward`: d_x [n_row, I], which may be the memory that held x.
  void backward_input(const LstmTensors<const Scalar>& weights, MatrixMap<Scalar> d_x) const;

 private:
  int64_t n_input_;
  int64_t n_hidden_;
  Workspace<Scalar> gates_;      // [n_row, 4H]: activations i, f, g, o; after backward d_a
  Workspace<Scalar> cell_;       // [n_row, H]
  Workspace<Scalar> tanh_cell_;  // [n_row, H]
  Workspace<Scalar> hidden_;     // [n_row, H]
  Workspace<Scalar> previous_;   // [n_row - n_sequence, H]: h_{t-1} of the rows with t >= 1
  Workspace<Scalar> d_hidden_;   // [n_sequence, H]
  Workspace<Scalar> d_cell_;     // [n_sequence, H]
};

}  // namespace mascing::nn
