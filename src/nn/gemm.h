// Matrix products for the shapes of this network: thousands of rows against a few hundred columns,
// one operand used again and again. That one is packed once into panels of a few packets' width;
// tiles of the result stay in registers while the inner dimension runs. Sums are taken in the same
// order whatever the addresses and however many rows there are: same input, same bytes.
#pragma once

#include <cstdint>

#include "nn/matrix.h"

namespace mascing::nn {

/// Rows of a matrix that need not lie back to back.
template <typename Scalar>
struct Rows {
  Scalar* data = nullptr;
  int64_t stride = 0;  ///< numbers from one row to the next
  int64_t n_row = 0;
};

/// What the result of a product is added to.
enum class Onto { kNothing, kResult };

/// Right operand [K, N], packed.
template <typename Scalar>
class PackedMatrix {
 public:
  /// Number (k, n) lies at data[k * stride_k + n * stride_n].
  void pack(const Scalar* data, int64_t stride_k, int64_t stride_n, int64_t n_inner, int64_t n_col);

  /// c [M, N] = a [M, K] * this, plus what is in c already if so asked.
  void multiply(Rows<const Scalar> a, Rows<Scalar> c, Onto onto) const;
  /// c [M, N] = a [M, K] * this + bias [N].
  void multiply_plus(Rows<const Scalar> a, const Scalar* bias, Rows<Scalar> c) const;

  /// The panel that starts with column `col`, a multiple of a tile's width.
  [[nodiscard]] Rows<const Scalar> panel(int64_t col) const;

 private:
  void run(Rows<const Scalar> a, Rows<const Scalar> initial, Rows<Scalar> c) const;

  AlignedVector<Scalar> panels_;
  int64_t n_inner_ = 0;
  int64_t n_col_ = 0;
};

/// c [M, N] += a^T b for a [K, M] and b [K, N]: the gradient of a weight from the rows of a batch.
template <typename Scalar>
class OuterProduct {
 public:
  void add(Rows<const Scalar> a, int64_t n_row, Rows<const Scalar> b, int64_t n_col, Scalar* c);

 private:
  void pack_left(Rows<const Scalar> a, int64_t n_row);

  AlignedVector<Scalar> left_;
  PackedMatrix<Scalar> right_;
};

}  // namespace mascing::nn
