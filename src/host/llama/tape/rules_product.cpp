// Products: y = W x, one W for all tokens or an expert's for each.
#include <vector>

#include "base/parallel.h"
#include "host/llama/tape/product.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

/// The matrix (i2, i3) of a source whose rows have no gaps, as it lies in memory.
MatrixRows matrix_of(const Tape& tape, const TapeTensor& tensor, int64_t i2, int64_t i3) {
  const ggml_tensor& shape = tensor.shape;
  MatrixRows rows;
  rows.first = tape.bytes(tensor) + i2 * shape.nb[2] + i3 * shape.nb[3];
  rows.row_bytes = shape.nb[1];
  rows.type = shape.type;
  rows.n_row = shape.ne[1];
  rows.n_column = shape.ne[0];
  return rows;
}

MatrixRows matrix_of(const float* values, int64_t n_row, int64_t n_column) {
  return {reinterpret_cast<const uint8_t*>(values),
          n_column * sizeof(float),
          GGML_TYPE_F32,
          n_row,
          n_column};
}

bool has_plain_rows(const ggml_tensor& shape) {
  return shape.nb[0] == ggml_type_size(shape.type);
}

/// Rows become columns: [n_row, n_column] to [n_column, n_row].
std::vector<float> transposed(const float* values, int64_t n_row, int64_t n_column) {
  std::vector<float> result(n_row * n_column);
  for (int64_t r = 0; r < n_row; ++r) {
    for (int64_t c = 0; c < n_column; ++c) {
      result[c * n_row + r] = values[r * n_column + c];
    }
  }
  return result;
}

/// Sizes of y [m, n] = x [m, k] W^T with W [n, k], for each (i2, i3) of the second source; the
/// first one's are repeated.
struct ProductShape {
  explicit ProductShape(const ggml_tensor& w, const ggml_tensor& x)
      : k(w.ne[0]),
        n(w.ne[1]),
        m(x.ne[1]),
        n2(x.ne[2]),
        n_matrix(x.ne[2] * x.ne[3]),
        repeat2(x.ne[2] / w.ne[2]),
        repeat3(x.ne[3] / w.ne[3]),
        w_n2(w.ne[2]) {}
  [[nodiscard]] int64_t i2_of_w(int64_t i) const { return i % n2 / repeat2; }
  [[nodiscard]] int64_t i3_of_w(int64_t i) const { return i / n2 / repeat3; }
  [[nodiscard]] int64_t w_at(int64_t i) const { return i3_of_w(i) * w_n2 + i2_of_w(i); }

  int64_t k, n, m, n2, n_matrix, repeat2, repeat3, w_n2;
};

void add_to_second(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& first = tape.source(node, 0);
  const TapeTensor& second = tape.source(node, 1);
  const ProductShape size(first.shape, second.shape);
  const bool is_plain = has_plain_rows(first.shape);
  const Floats w = is_plain ? Floats() : tape.values(first);
  std::vector<float> d_x(second.n_element());
  const auto matrix = [&](int64_t i) {
    return is_plain ? matrix_of(tape, first, size.i2_of_w(i), size.i3_of_w(i))
                    : matrix_of(w.data() + size.w_at(i) * size.n * size.k, size.n, size.k);
  };
  if (size.n_matrix == 1) {
    add_transposed_product(matrix(0), d_node, size.m, d_x.data(), tape.n_thread());
  } else {
    run_items(size.n_matrix, tape.n_thread(), [&](int64_t i) {
      add_transposed_product(
          matrix(i), d_node + i * size.m * size.n, size.m, d_x.data() + i * size.m * size.k);
    });
  }
  tape.add_gradient(second, d_x.data());
}

void add_to_first(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& first = tape.source(node, 0);
  const TapeTensor& second = tape.source(node, 1);
  const ProductShape size(first.shape, second.shape);
  const Floats x = tape.values(second);
  std::vector<float> d_w(first.n_element());
  const int64_t n_w = first.shape.ne[2] * first.shape.ne[3];
  run_items(n_w, tape.n_thread(), [&](int64_t w) {
    for (int64_t i = 0; i < size.n_matrix; ++i) {
      if (size.w_at(i) != w) {
        continue;
      }
      const std::vector<float> d_y = transposed(d_node + i * size.m * size.n, size.m, size.n);
      add_transposed_product(matrix_of(x.data() + i * size.m * size.k, size.m, size.k),
                             d_y.data(),
                             size.n,
                             d_w.data() + w * size.n * size.k);
    }
  });
  tape.add_gradient(first, d_w.data());
}

/// Which columns of a product with experts' matrices each expert has: (expert used, token).
std::vector<std::vector<int64_t>> columns_by_expert(const std::vector<int64_t>& ids,
                                                    int64_t n_expert) {
  std::vector<std::vector<int64_t>> columns(n_expert);
  for (int64_t i = 0; i < std::ssize(ids); ++i) {
    columns.at(ids[i]).push_back(i);
  }
  return columns;
}

/// The rows of length `n` with these numbers, one after the other.
std::vector<float> gathered(const float* rows, const std::vector<int64_t>& numbers, int64_t n) {
  std::vector<float> result;
  result.reserve(std::ssize(numbers) * n);
  for (const int64_t row : numbers) {
    result.insert(result.end(), rows + row * n, rows + (row + 1) * n);
  }
  return result;
}

}  // namespace

void rule_mul_mat(Tape& tape, const TapeTensor& node, const float* d_node) {
  if (tape.wants(tape.source(node, 1))) {
    add_to_second(tape, node, d_node);
  }
  if (tape.wants(tape.source(node, 0))) {
    add_to_first(tape, node, d_node);
  }
}

// y [n, used, T], x [k, used or 1, T], ids [used, T].
void rule_mul_mat_id(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& weights = tape.source(node, 0);
  const TapeTensor& second = tape.source(node, 1);
  if (!tape.wants(second)) {
    return;
  }
  const int64_t n = node.shape.ne[0];
  const int64_t n_used = node.shape.ne[1];
  const int64_t k = second.shape.ne[0];
  const int64_t n_x = second.shape.ne[1];
  const auto columns = columns_by_expert(tape.integers(tape.source(node, 2)), weights.shape.ne[2]);
  const int64_t n_expert = std::ssize(columns);
  std::vector<std::vector<float>> d_x(n_expert);
  run_items(n_expert, tape.n_thread(), [&](int64_t e) {
    const int64_t n_column = std::ssize(columns[e]);
    if (n_column == 0) {
      return;
    }
    const std::vector<float> d_y = gathered(d_node, columns[e], n);
    d_x[e].assign(n_column * k, 0.0F);
    add_transposed_product(matrix_of(tape, weights, e, 0), d_y.data(), n_column, d_x[e].data());
  });
  std::vector<float> d_second(second.n_element());
  for (int64_t e = 0; e < n_expert; ++e) {  // in this order for any number of threads
    for (int64_t c = 0; c < std::ssize(columns[e]); ++c) {
      const int64_t used = columns[e][c] % n_used;
      const int64_t token = columns[e][c] / n_used;
      float* to = d_second.data() + (token * n_x + used % n_x) * k;
      for (int64_t i = 0; i < k; ++i) {
        to[i] += d_x[e][c * k + i];
      }
    }
  }
  tape.add_gradient(second, d_second.data());
}

}  // namespace mascing
