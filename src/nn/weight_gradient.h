// Gathers the gradients of all parameters over the pieces of a batch in the form in which
// prepared_weights.h folded them, and undoes the folding at the end.
#pragma once

#include <cstdint>

#include "nn/gemm.h"
#include "nn/matrix.h"
#include "nn/prepared_weights.h"

namespace mascing::nn {

template <typename Scalar>
class WeightGradient {
 public:
  explicit WeightGradient(const SurrogateShape& shape);

  void set_zero();

  /// From d_gates [N, 4H] and x [N, L * F] of N tokens.
  void add_gates(Rows<const Scalar> d_gates, Rows<const Scalar> x);
  /// From d_gates [N, 4H] and the states before them, h [N, H].
  void add_recurrent(Rows<const Scalar> d_gates, Rows<const Scalar> hidden);
  /// From the normalised logits [N, E] and d_x [N, P] of N rows; not for folded weights.
  void add_projection(Rows<const Scalar> x_hat, const Scalar* d_x);
  /// From the gradient of one sequence's logit and its last state [H].
  void add_output(Scalar d_logit, const Scalar* last);

  /// Adds the gradients to d_values [surrogate_size]; `weights` are those of the batch.
  void unfold(const PreparedWeights<Scalar>& weights, Scalar* d_values);

 private:
  void unfold_gates(const PreparedWeights<Scalar>& weights, const SurrogateView<Scalar>& d);
  void unfold_projection(const PreparedWeights<Scalar>& weights, const SurrogateView<Scalar>& d);

  SurrogateShape shape_;
  int64_t width_;
  AlignedVector<Scalar> d_gate_weight_;  // [4H, L * F]
  AlignedVector<Scalar> d_gate_bias_;    // [4H]
  AlignedVector<Scalar> d_recurrent_;    // [4H, H]
  AlignedVector<Scalar> d_projection_;   // [P, E]
  AlignedVector<Scalar> d_output_;       // [H + 1]
  OuterProduct<Scalar> outer_;
};

}  // namespace mascing::nn
