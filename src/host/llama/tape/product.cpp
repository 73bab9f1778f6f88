#include "host/llama/tape/product.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/half.h"

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
  for (int64_t i = 0; i < n; ++i) {
    convert_to_floats(w.type, first + i * w.row_bytes, w.n_column, buffer.data() + i * w.n_column);
  }
  return buffer.data();
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
