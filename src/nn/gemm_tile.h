// The innermost loop of gemm.cpp: one tile of the result, rows x packets, in registers.
#pragma once

#include "nn/gemm.h"
#include "nn/simd.h"

namespace mascing::nn {

/// Rows of a tile: as many as leave registers for the operands.
inline constexpr int64_t kTileRows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;
/// Packets across a full tile.
inline constexpr int64_t kTilePackets = 2;
/// Columns of a full tile and of a packed panel.
template <typename Scalar>
inline constexpr int64_t kTileCols = kTilePackets* kLanes<Scalar>;

/// Left operands by row, as they lie in memory.
template <typename Scalar>
struct RowsLeft {
  const Scalar* data;
  int64_t stride;
  [[nodiscard]] Scalar at(int64_t row, int64_t k) const { return data[row * stride + k]; }
};

/// Left operands by column: those of one step of the inner dimension side by side.
template <typename Scalar>
struct ColumnsLeft {
  const Scalar* data;
  int64_t stride;
  [[nodiscard]] Scalar at(int64_t row, int64_t k) const { return data[k * stride + row]; }
};

/// c = left * panel + initial over the rows of `panel`; initial.data may be null (zero) and be c.
template <int64_t kRows, int64_t kPackets, typename Scalar, typename Left>
void multiply_tile(const Left& left,
                   Rows<const Scalar> panel,
                   Rows<const Scalar> initial,
                   Rows<Scalar> c) {
  constexpr int64_t kWidth = kLanes<Scalar>;
  Packet<Scalar> sum[kRows][kPackets];
  unrolled<kRows>([&](auto r) {
    unrolled<kPackets>([&](auto v) {
      sum[r][v] = initial.data == nullptr ? broadcast(Scalar(0))
                                          : load(initial.data + r * initial.stride + v * kWidth);
    });
  });
  const Scalar* from = panel.data;
  for (int64_t k = 0; k < panel.n_row; ++k, from += panel.stride) {
    Packet<Scalar> right[kPackets];
    unrolled<kPackets>([&](auto v) { right[v] = load(from + v * kWidth); });
    unrolled<kRows>([&](auto r) {
      const Packet<Scalar> factor = broadcast(left.at(r, k));
      unrolled<kPackets>([&](auto v) { sum[r][v] = multiply_add(factor, right[v], sum[r][v]); });
    });
  }
  unrolled<kRows>([&](auto r) {
    unrolled<kPackets>([&](auto v) { store(c.data + r * c.stride + v * kWidth, sum[r][v]); });
  });
}

/// The same for 1 to kTileRows rows.
template <int64_t kPackets, typename Scalar, typename Left>
void multiply_rows(const Left& left,
                   Rows<const Scalar> panel,
                   Rows<const Scalar> initial,
                   Rows<Scalar> c) {
  if (c.n_row == kTileRows) {
    multiply_tile<kTileRows, kPackets, Scalar>(left, panel, initial, c);
    return;
  }
  unrolled<kTileRows - 1>([&](auto i) {
    constexpr int64_t kRows = i + 1;
    if (c.n_row == kRows) {
      multiply_tile<kRows, kPackets, Scalar>(left, panel, initial, c);
    }
  });
}

/// The same for 1 to kTileCols columns of a panel, which holds whole packets; whatever is beyond
/// `n_col` in c is left alone.
template <typename Scalar, typename Left>
void multiply_panel(const Left& left,
                    Rows<const Scalar> panel,
                    int64_t n_col,
                    Rows<const Scalar> initial,
                    Rows<Scalar> c) {
  constexpr int64_t kFull = kTileCols<Scalar>;
  if (n_col == kFull) {
    multiply_rows<kTilePackets, Scalar>(left, panel, initial, c);
    return;
  }
  if (n_col == kLanes<Scalar>) {
    multiply_rows<1, Scalar>(left, panel, initial, c);
    return;
  }
  Scalar tile[kTileRows * kFull] = {};
  if (initial.data != nullptr) {
    for (int64_t r = 0; r < c.n_row; ++r) {
      std::copy_n(initial.data + r * initial.stride, n_col, tile + r * kFull);
    }
  }
  const Rows<const Scalar> from = {tile, kFull, c.n_row};
  const Rows<Scalar> to = {tile, kFull, c.n_row};
  if (n_col < kLanes<Scalar>) {
    multiply_rows<1, Scalar>(left, panel, from, to);
  } else {
    multiply_rows<kTilePackets, Scalar>(left, panel, from, to);
  }
  for (int64_t r = 0; r < c.n_row; ++r) {
    std::copy_n(tile + r * kFull, n_col, c.data + r * c.stride);
  }
}

}  // namespace mascing::nn
