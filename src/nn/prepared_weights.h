// The surrogate's weights made ready for a batch: LayerNorm's gain and bias folded into the
// projection, the projection's bias folded into the gates', and all matrices packed. With x_hat the
// normalised logits of a layer,
//   x = (W diag(gain)) x_hat,   gates = sum over layers of W_ih,l x_l + (b_ih + b_hh + folded
//   rest).
// Where a layer has no more experts than the projection is wide, the projection itself is folded
// into W_ih: then x is x_hat, and the products need fewer numbers.
#pragma once

#include <cstdint>

#include "nn/gemm.h"
#include "nn/matrix.h"
#include "nn/surrogate_layout.h"

namespace mascing::nn {

template <typename Scalar>
class PreparedWeights {
 public:
  explicit PreparedWeights(const SurrogateShape& shape);

  /// `values` [surrogate_size] must stay as they are until the next call of this.
  void set(const Scalar* values);

  [[nodiscard]] const SurrogateShape& shape() const { return shape_; }
  /// The weights as they were given.
  [[nodiscard]] SurrogateView<const Scalar> view() const { return {shape_, values_}; }
  /// True if x_hat goes into the gates without a projection.
  [[nodiscard]] bool is_folded() const { return is_folded_; }
  /// Numbers per layer in x: n_proj, or n_expert if folded.
  [[nodiscard]] int64_t n_feature() const { return n_feature_; }
  /// Numbers per token in x.
  [[nodiscard]] int64_t width() const { return shape_.n_layer * n_feature_; }

  /// x [N, F] of rows [N, E] of one layer each, linear and without any bias: a copy if folded.
  void features(Rows<const Scalar> rows, Scalar* x) const;
  /// d_rows [E] += what d_x [F] gives back through `features`.
  void add_features_backward(const Scalar* d_x, Scalar* d_rows) const;
  /// gates [N, 4H] of tokens x [N, L * F], bias included.
  void gates(Rows<const Scalar> x, Scalar* gates) const;
  /// d_x [N, L * F] of d_gates [N, 4H].
  void gates_backward(Rows<const Scalar> d_gates, Scalar* d_x) const;

  /// h [N, H] -> its share of the gates [N, 4H], and back.
  [[nodiscard]] const PackedMatrix<Scalar>& recurrent() const { return recurrent_; }
  [[nodiscard]] const PackedMatrix<Scalar>& recurrent_backward() const {
    return recurrent_backward_;
  }

  /// W diag(gain) [P, E] and W bias + b [P].
  [[nodiscard]] const Scalar* projection() const { return projection_.data(); }
  [[nodiscard]] const Scalar* projection_bias() const { return projection_bias_.data(); }

 private:
  void fold_projection();
  void fold_gate_weights();

  SurrogateShape shape_;
  bool is_folded_;
  int64_t n_feature_;
  const Scalar* values_ = nullptr;
  AlignedVector<Scalar> projection_;
  AlignedVector<Scalar> projection_bias_;
  AlignedVector<Scalar> gate_weight_;  // [4H, L * E] if folded, else empty
  AlignedVector<Scalar> gate_bias_;    // [4H]
  PackedMatrix<Scalar> packed_projection_;
  PackedMatrix<Scalar> packed_gates_;
  PackedMatrix<Scalar> packed_gates_backward_;
  PackedMatrix<Scalar> recurrent_;
  PackedMatrix<Scalar> recurrent_backward_;
};

}  // namespace mascing::nn
