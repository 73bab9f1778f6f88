#include "host/llama/tape/product.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/half.h"
#include "base/parallel.h"

#include <Eigen/Core>

namespace mascing {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<Eigen::Dynamic>;
using ConstBlock = Eigen::Map<const RowMatrix, Eigen::Unaligned, Stride>;

constexpr int64_t kBlockRows = 64;      ///< of weights, converted at a time
constexpr int64_t kStripColumns = 256;  ///< of weights: a multiple of all blocks of quantised ones
constexpr int64_t kWorthAThread = 1 << 20;  ///< multiplications

/// Columns of a matrix that one thread works on.
struct Strip {
  int64_t begin = 0;
  int64_t n = 0;
};

/// Rows [begin, begin + n) of a strip: where they lie, or converted into `buffer`.
ConstBlock as_floats(
    const MatrixRows& w, const Strip& strip, int64_t begin, int64_t n, std::vector<float>& buffer) {
  const size_t before = strip.begin / ggml_blck_size(w.type) * ggml_type_size(w.type);  // in a row
  const uint8_t* first = w.first + begin * w.row_bytes + before;
  if (w.type == GGML_TYPE_F32 && w.row_bytes % sizeof(float) == 0) {
    return {reinterpret_cast<const float*>(first),
            n,
            strip.n,
            Stride(static_cast<Eigen::Index>(w.row_bytes / sizeof(float)))};
  }
  for (int64_t i = 0; i < n; ++i) {
    convert_to_floats(w.type, first + i * w.row_bytes, strip.n, buffer.data() + i * strip.n);
  }
  return {buffer.data(), n, strip.n, Stride(strip.n)};
}

void add_strip(const MatrixRows& w, const Strip& strip, const float* d_y, int64_t n, float* d_x) {
  std::vector<float> buffer(std::min(kBlockRows, w.n_row) * strip.n);
  Eigen::Map<RowMatrix, Eigen::Unaligned, Stride> sum(
      d_x + strip.begin, n, strip.n, Stride(w.n_column));
  for (int64_t begin = 0; begin < w.n_row; begin += kBlockRows) {
    const int64_t n_now = std::min(kBlockRows, w.n_row - begin);
    const ConstBlock part(d_y + begin, n, n_now, Stride(w.n_row));
    sum.noalias() += part * as_floats(w, strip, begin, n_now, buffer);
  }
}

}  // namespace

// ggml's common conversions go number by number, and its processor's own are not to be had where it
// is a module.
void convert_to_floats(ggml_type type, const uint8_t* from, int64_t n, float* to) {
  if (type == GGML_TYPE_F32) {
    std::memcpy(to, from, n * sizeof(float));
  } else if (type == GGML_TYPE_F16) {
    from_half(reinterpret_cast<const uint16_t*>(from), to, n);
  } else if (type == GGML_TYPE_BF16) {
    from_bfloat(reinterpret_cast<const uint16_t*>(from), to, n);
  } else {
    ggml_get_type_traits(type)->to_float(from, to, n);
  }
}

void add_transposed_product(const MatrixRows& w, const float* d_y, int64_t n, float* d_x) {
  add_strip(w, {0, w.n_column}, d_y, n, d_x);
}

// A strip a thread, and no narrower ones: every strip packs d_y anew.
void add_transposed_product(
    const MatrixRows& w, const float* d_y, int64_t n, float* d_x, int64_t n_thread) {
  const int64_t n_unit = (w.n_column + kStripColumns - 1) / kStripColumns;
  const bool is_small = n * w.n_row * w.n_column < kWorthAThread;
  const int64_t n_thread_used = is_small ? 1 : std::min(n_thread, n_unit);
  const int64_t width = (n_unit + n_thread_used - 1) / n_thread_used * kStripColumns;
  run_items((w.n_column + width - 1) / width, n_thread_used, [&](int64_t i) {
    add_strip(w, {i * width, std::min(width, w.n_column - i * width)}, d_y, n, d_x);
  });
}

void add_transposed_product_plainly(const MatrixRows& w, const float* d_y, int64_t n, float* d_x) {
  std::vector<float> buffer(w.n_column);
  for (int64_t r = 0; r < w.n_row; ++r) {
    const float* row = as_floats(w, {0, w.n_column}, r, 1, buffer).data();
    for (int64_t t = 0; t < n; ++t) {
      for (int64_t c = 0; c < w.n_column; ++c) {
        d_x[t * w.n_column + c] += d_y[t * w.n_row + r] * row[c];
      }
    }
  }
}

}  // namespace mascing
