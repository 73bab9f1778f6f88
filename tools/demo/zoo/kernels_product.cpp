// Matrix products of the sizes that occur here. The right side is packed into panels of two vectors
// per row, which stay in the first cache; a block of left rows and one panel meet in registers.
#include <algorithm>

#include "kernels.h"

namespace zoo {
namespace {

#ifdef __AVX512F__
constexpr int kLane = 16, kRows = 12;
#else
constexpr int kLane = 8, kRows = 6;
#endif
constexpr int kPanel = 2 * kLane;
constexpr int kBlockM = 252, kBlockK = 256;

typedef float Vector __attribute__((vector_size(kLane * sizeof(float))));
typedef int32_t Lanes __attribute__((vector_size(kLane * sizeof(int32_t))));
typedef float Unaligned __attribute__((vector_size(kLane * sizeof(float)), aligned(4)));

/// The left side: element (i, p) is data[i * row + p * column].
struct Left {
  const float* data;
  int64_t row, column;
};
/// The right side: element (p, j) is data[p * row + j * column].
using Right = Left;

/// Exchanges blocks of `Step` lanes of two rows.
template <int Step>
void exchange(Vector& a, Vector& b) {
  Lanes low;
  Lanes high;
  for (int i = 0; i < kLane; ++i) {
    low[i] = (i & Step) == 0 ? i : kLane + i - Step;
    high[i] = (i & Step) == 0 ? i + Step : kLane + i;
  }
  const Vector first = __builtin_shuffle(a, b, low);
  b = __builtin_shuffle(a, b, high);
  a = first;
}

template <int Step>
void exchange_all(Vector* rows) {
#pragma GCC unroll 16
  for (int i = 0; i < kLane; ++i) {
    if ((i & Step) == 0) {
      exchange<Step>(rows[i], rows[i + Step]);
    }
  }
  if constexpr (Step > 1) {
    exchange_all<Step / 2>(rows);
  }
}

/// A square of lanes x lanes: rows `ld` apart become columns of the panel.
void transpose(const float* from, int64_t ld, float* panel) {
  Vector rows[kLane];
  for (int i = 0; i < kLane; ++i) {
    rows[i] = *reinterpret_cast<const Unaligned*>(from + i * ld);
  }
  exchange_all<kLane / 2>(rows);
  for (int i = 0; i < kLane; ++i) {
    *reinterpret_cast<Unaligned*>(panel + i * kPanel) = rows[i];
  }
}

/// Columns [first, first + n) of rows [p0, p0 + k), zeros behind them.
void pack(const Right& b, int p0, int k, int first, int n, float* panel) {
  const float* from = b.data + p0 * b.row + first * b.column;
  if (b.column == 1 && n == kPanel) {
    for (int p = 0; p < k; ++p) {
      std::memcpy(panel + p * kPanel, from + p * b.row, kPanel * sizeof(float));
    }
    return;
  }
  if (n < kPanel) {
    std::fill(panel, panel + static_cast<int64_t>(k) * kPanel, 0.0F);
  }
  if (b.column == 1) {
    for (int p = 0; p < k; ++p) {
      std::memcpy(panel + p * kPanel, from + p * b.row, n * sizeof(float));
    }
    return;
  }
  int p = 0;
  for (; p + kLane <= k && n == kPanel; p += kLane) {
    transpose(from + p, b.column, panel + p * kPanel);
    transpose(from + p + kLane * b.column, b.column, panel + p * kPanel + kLane);
  }
  for (; p < k; ++p) {
    for (int j = 0; j < n; ++j) {
      panel[p * kPanel + j] = from[j * b.column + p];
    }
  }
}

/// Rows x one panel, into a full-width c.
template <int R>
void tile(int k,
          const float* a,
          int64_t row,
          int64_t column,
          const float* panel,
          bool adds,
          float* c,
          int64_t ldc) {
  Vector sum[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int half = 0; half < 2; ++half) {
      sum[r][half] =
          adds ? Vector(*reinterpret_cast<const Unaligned*>(c + r * ldc + half * kLane)) : Vector{};
    }
  }
  for (int p = 0; p < k; ++p) {
    const Vector b0 = *reinterpret_cast<const Unaligned*>(panel + p * kPanel);
    const Vector b1 = *reinterpret_cast<const Unaligned*>(panel + p * kPanel + kLane);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const float x = a[r * row + p * column];
      sum[r][0] += x * b0;
      sum[r][1] += x * b1;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int half = 0; half < 2; ++half) {
      *reinterpret_cast<Unaligned*>(c + r * ldc + half * kLane) = sum[r][half];
    }
  }
}

template <int R>
void tile_rows(int rows,
               int k,
               const float* a,
               int64_t row,
               int64_t column,
               const float* panel,
               bool adds,
               float* c,
               int64_t ldc) {
  if (rows == R) {
    tile<R>(k, a, row, column, panel, adds, c, ldc);
  } else if constexpr (R > 1) {
    tile_rows<R - 1>(rows, k, a, row, column, panel, adds, c, ldc);
  }
}

/// `n` columns of c, of which there may be fewer than a panel has.
void tile_at_edge(int rows,
                  int k,
                  const float* a,
                  const Left& left,
                  const float* panel,
                  int n,
                  bool adds,
                  float* c,
                  int ldc) {
  float edge[kRows * kPanel];
  for (int r = 0; r < rows && adds; ++r) {
    std::memcpy(edge + r * kPanel, c + static_cast<int64_t>(r) * ldc, n * sizeof(float));
  }
  tile_rows<kRows>(rows, k, a, left.row, left.column, panel, adds, edge, kPanel);
  for (int r = 0; r < rows; ++r) {
    std::memcpy(c + static_cast<int64_t>(r) * ldc, edge + r * kPanel, n * sizeof(float));
  }
}

void product(int m, int n, int k, const Left& a, const Right& b, bool adds, float* c, int ldc) {
  alignas(64) float panel[kBlockK * kPanel];
  for (int i0 = 0; i0 < m; i0 += kBlockM) {
    const int i1 = std::min(m, i0 + kBlockM);
    for (int p0 = 0; p0 < k; p0 += kBlockK) {
      const int n_p = std::min(kBlockK, k - p0);
      const bool adds_now = adds || p0 > 0;
      for (int j = 0; j < n; j += kPanel) {
        const int n_j = std::min(kPanel, n - j);
        pack(b, p0, n_p, j, n_j, panel);
        for (int i = i0; i < i1; i += kRows) {
          const int rows = std::min(kRows, i1 - i);
          const float* left = a.data + i * a.row + p0 * a.column;
          float* to = c + static_cast<int64_t>(i) * ldc + j;
          if (n_j == kPanel) {
            tile_rows<kRows>(rows, n_p, left, a.row, a.column, panel, adds_now, to, ldc);
          } else {
            tile_at_edge(rows, n_p, left, a, panel, n_j, adds_now, to, ldc);
          }
        }
      }
    }
  }
}

}  // namespace

void multiply(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc) {
  product(m, n, k, {a.data, a.ld, 1}, {b.data, b.ld, 1}, beta != 0.0F, c, ldc);
}
void multiply_bt(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc) {
  product(m, n, k, {a.data, a.ld, 1}, {b.data, 1, b.ld}, beta != 0.0F, c, ldc);
}
void multiply_at(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc) {
  product(m, n, k, {a.data, 1, a.ld}, {b.data, b.ld, 1}, beta != 0.0F, c, ldc);
}

extern "C" {

/// What PyTorch's matrix products are replaced by: out [M, N] = x [M, K] w [K, N], and its
/// gradients (d_w added to).
void zoo_product_forward(const float* x, const float* w, int m, int n, int k, float* out) {
  multiply(m, n, k, {x, k}, {w, n}, 0.0F, out, n);
}
void zoo_product_backward(const float* x,
                          const float* w,
                          const float* d_out,
                          int m,
                          int n,
                          int k,
                          float* d_x,
                          float* d_w) {
  multiply_bt(m, k, n, {d_out, n}, {w, n}, 0.0F, d_x, k);
  if (d_w != nullptr) {
    multiply_at(k, n, m, {x, k}, {d_out, n}, 1.0F, d_w, n);
  }
}

}  // extern "C"
}  // namespace zoo
