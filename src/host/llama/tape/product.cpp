#include "host/llama/tape/product.h"

#include <algorithm>
#include <vector>

#include <Eigen/Core>

namespace mascing {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<Eigen::Dynamic>;
using ConstBlock = Eigen::Map<const RowMatrix, Eigen::Unaligned, Stride>;

constexpr int64_t kBlockRows = 64;  ///< of weights, converted at a time

/// Rows [begin, begin + n) as floats: where they lie, or converted into `buffer`.
const float* as_floats(const MatrixRows& w, int64_t begin, int64_t n, std::vector<float>& buffer) {
  const uint8_t* first = w.first + begin * w.row_bytes;
  if (w.type == GGML_TYPE_F32 && w.row_bytes == w.n_column * sizeof(float)) {
    return reinterpret_cast<const float*>(first);
  }
  const ggml_to_float_t convert = ggml_get_type_traits(w.type)->to_float;
  for (int64_t i = 0; i < n; ++i) {
    float* to = buffer.data() + i * w.n_column;
    if (w.type == GGML_TYPE_F32) {
      const auto* from = reinterpret_cast<const float*>(first + i * w.row_bytes);
      std::copy(from, from + w.n_column, to);
    } else {
      convert(first + i * w.row_bytes, to, w.n_column);
    }
  }
  return buffer.data();
}

}  // namespace

void add_transposed_product(const MatrixRows& w, const float* d_y, int64_t n, float* d_x) {
  std::vector<float> buffer(std::min(kBlockRows, w.n_row) * w.n_column);
  Eigen::Map<RowMatrix> sum(d_x, n, w.n_column);
  for (int64_t begin = 0; begin < w.n_row; begin += kBlockRows) {
    const int64_t n_now = std::min(kBlockRows, w.n_row - begin);
    const Eigen::Map<const RowMatrix> rows(as_floats(w, begin, n_now, buffer), n_now, w.n_column);
    const ConstBlock part(d_y + begin, n, n_now, Stride(w.n_row));
    sum.noalias() += part * rows;
  }
}

void add_transposed_product_plainly(const MatrixRows& w, const float* d_y, int64_t n, float* d_x) {
  std::vector<float> buffer(w.n_column);
  for (int64_t r = 0; r < w.n_row; ++r) {
    const float* row = as_floats(w, r, 1, buffer);
    for (int64_t t = 0; t < n; ++t) {
      for (int64_t c = 0; c < w.n_column; ++c) {
        d_x[t * w.n_column + c] += d_y[t * w.n_row + r] * row[c];
      }
    }
  }
}

}  // namespace mascing
