// Blocks of rows are multiplied by one panel after the other, so that a panel is read from the
// second-level cache once per block; the outer product packs both operands, since their columns are
// far apart.
#include "nn/gemm.h"

#include <algorithm>

#include "nn/gemm_tile.h"

namespace mascing::nn {
namespace {

/// Rows multiplied by a panel before the next one is loaded.
constexpr int64_t kBlockRows = 64;
/// Steps of the inner dimension between two additions to the result of an outer product.
constexpr int64_t kBlockInner = 256;
/// Numbers per step of the inner dimension up to which an outer product is not packed.
constexpr int64_t kNarrow = 320;

/// Columns that a panel's memory has: a full tile, or one packet if that holds the rest.
template <typename Scalar>
int64_t panel_width(int64_t n_col) {
  return n_col <= kLanes<Scalar> ? kLanes<Scalar> : kTileCols<Scalar>;
}

template <typename Scalar>
void copy_strided(const Scalar* from, int64_t stride, int64_t n, Scalar* to) {
  if (stride == 1) {
    std::copy_n(from, n, to);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    to[i] = from[i * stride];
  }
}

}  // namespace

template <typename Scalar>
void PackedMatrix<Scalar>::pack(
    const Scalar* data, int64_t stride_k, int64_t stride_n, int64_t n_inner, int64_t n_col) {
  constexpr int64_t kFull = kTileCols<Scalar>;
  n_inner_ = n_inner;
  n_col_ = n_col;
  const size_t size = (n_col + kFull - 1) / kFull * kFull * n_inner;
  if (panels_.size() < size) {
    panels_.resize(size);
  }
  for (int64_t first = 0; first < n_col; first += kFull) {
    const int64_t n = std::min(kFull, n_col - first);
    const int64_t width = panel_width<Scalar>(n);
    Scalar* to = panels_.data() + first * n_inner;
    for (int64_t k = 0; k < n_inner; ++k, to += width) {
      const Scalar* from = data + k * stride_k + first * stride_n;
      copy_strided(from, stride_n, n, to);
      std::fill(to + n, to + width, Scalar(0));
    }
  }
}

template <typename Scalar>
Rows<const Scalar> PackedMatrix<Scalar>::panel(int64_t col) const {
  return {panels_.data() + col * n_inner_, panel_width<Scalar>(n_col_ - col), n_inner_};
}

template <typename Scalar>
void PackedMatrix<Scalar>::multiply(Rows<const Scalar> a, Rows<Scalar> c, Onto onto) const {
  if (onto == Onto::kResult) {
    run(a, {c.data, c.stride, c.n_row}, c);
  } else {
    run(a, {}, c);
  }
}

template <typename Scalar>
void PackedMatrix<Scalar>::multiply_plus(Rows<const Scalar> a,
                                         const Scalar* bias,
                                         Rows<Scalar> c) const {
  run(a, {bias, 0, c.n_row}, c);
}

template <typename Scalar>
void PackedMatrix<Scalar>::run(Rows<const Scalar> a,
                               Rows<const Scalar> initial,
                               Rows<Scalar> c) const {
  for (int64_t block = 0; block < a.n_row; block += kBlockRows) {
    const int64_t block_end = std::min(a.n_row, block + kBlockRows);
    for (int64_t col = 0; col < n_col_; col += kTileCols<Scalar>) {
      const int64_t n_col = std::min(kTileCols<Scalar>, n_col_ - col);
      for (int64_t row = block; row < block_end; row += kTileRows) {
        const int64_t n_row = std::min(kTileRows, block_end - row);
        const Scalar* start =
            initial.data == nullptr ? nullptr : initial.data + row * initial.stride + col;
        multiply_panel<Scalar>(RowsLeft<Scalar>{a.data + row * a.stride, a.stride},
                               panel(col),
                               n_col,
                               {start, initial.stride, n_row},
                               {c.data + row * c.stride + col, c.stride, n_row});
      }
    }
  }
}

template <typename Scalar>
void OuterProduct<Scalar>::pack_left(Rows<const Scalar> a, int64_t n_row) {
  const size_t size = (n_row + kTileRows - 1) / kTileRows * kTileRows * a.n_row;
  if (left_.size() < size) {
    left_.resize(size);
  }
  for (int64_t row = 0; row < n_row; row += kTileRows) {
    const int64_t n = std::min(kTileRows, n_row - row);
    Scalar* to = left_.data() + row * a.n_row;
    for (int64_t k = 0; k < a.n_row; ++k, to += kTileRows) {
      std::copy_n(a.data + k * a.stride + row, n, to);
    }
  }
}

template <typename Scalar>
void OuterProduct<Scalar>::add(
    Rows<const Scalar> a, int64_t n_row, Rows<const Scalar> b, int64_t n_col, Scalar* c) {
  // Narrow operands lie close enough together to be read where they are.
  const bool is_narrow = n_row + n_col <= kNarrow && n_col % kTileCols<Scalar> == 0;
  for (int64_t first = 0; first < a.n_row; first += kBlockInner) {
    const int64_t n_inner = std::min(kBlockInner, a.n_row - first);
    const Rows<const Scalar> left = {a.data + first * a.stride, a.stride, n_inner};
    const Rows<const Scalar> right = {b.data + first * b.stride, b.stride, n_inner};
    if (!is_narrow) {
      pack_left(left, n_row);
      right_.pack(right.data, right.stride, 1, n_inner, n_col);
    }
    for (int64_t col = 0; col < n_col; col += kTileCols<Scalar>) {
      const Rows<const Scalar> panel =
          is_narrow ? Rows<const Scalar>{right.data + col, right.stride, n_inner}
                    : right_.panel(col);
      for (int64_t row = 0; row < n_row; row += kTileRows) {
        const ColumnsLeft<Scalar> columns =
            is_narrow ? ColumnsLeft<Scalar>{left.data + row, left.stride}
                      : ColumnsLeft<Scalar>{left_.data() + row * n_inner, kTileRows};
        const int64_t n = std::min(kTileRows, n_row - row);
        Scalar* tile = c + row * n_col + col;
        multiply_panel<Scalar>(columns,
                               panel,
                               std::min(kTileCols<Scalar>, n_col - col),
                               {tile, n_col, n},
                               {tile, n_col, n});
      }
    }
  }
}

#define MASCING_INSTANTIATE_GEMM(Scalar) \
  template class PackedMatrix<Scalar>;   \
  template class OuterProduct<Scalar>;
MASCING_INSTANTIATE_GEMM(float)
MASCING_INSTANTIATE_GEMM(double)
#undef MASCING_INSTANTIATE_GEMM

}  // namespace mascing::nn
