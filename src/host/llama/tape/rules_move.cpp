// Copies, rows picked and written by number, concatenation, repetition and padding.
#include <vector>

#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

int64_t count_rows(const ggml_tensor& shape) {
  return shape.ne[1] * shape.ne[2] * shape.ne[3];
}

/// Numbers of a row along the three upper axes.
struct RowNumber {
  int64_t i1;
  int64_t i2;
  int64_t i3;
};

RowNumber row_number(const ggml_tensor& shape, int64_t row) {
  return {row % shape.ne[1], row / shape.ne[1] % shape.ne[2], row / (shape.ne[1] * shape.ne[2])};
}

}  // namespace

void rule_copy(Tape& tape, const TapeTensor& node, const float* d_node) {
  tape.add_gradient(tape.source(node, 0), d_node);
}

// What was in that place before is not asked for any more.
void rule_write_copy(Tape& tape, const TapeTensor& node, const float* /*d_node*/) {
  const Floats d_written = tape.gradient(node);
  const std::vector<float> kept(d_written.data(), d_written.data() + node.n_element());
  tape.forget_gradient(node);
  tape.add_gradient(tape.source(node, 0), kept.data());
}

void rule_set_rows(Tape& tape, const TapeTensor& node, const float* /*d_node*/) {
  const TapeTensor& source = tape.source(node, 0);
  const TapeTensor& rows = tape.source(node, 1);
  const std::vector<int64_t> numbers = tape.integers(rows);
  std::vector<float>& d_memory = tape.root_gradient(node);
  std::vector<float> d_source(source.n_element());
  const int64_t n = source.shape.ne[0];
  for (int64_t row = 0; row < count_rows(source.shape); ++row) {
    const auto [i1, i2, i3] = row_number(source.shape, row);
    const int64_t number =
        ((i3 % rows.shape.ne[2]) * rows.shape.ne[1] + i2 % rows.shape.ne[1]) * rows.shape.ne[0] +
        i1;
    float* from = d_memory.data() + tape.index_of(node, numbers[number], i2, i3);
    for (int64_t i = 0; i < n; ++i) {
      d_source[row * n + i] = from[i];
      from[i] = 0.0F;
    }
  }
  tape.add_gradient(source, d_source.data());
}

void rule_get_rows(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  if (!tape.wants(source)) {
    return;
  }
  const std::vector<int64_t> numbers = tape.integers(tape.source(node, 1));
  const ggml_tensor& shape = source.shape;
  std::vector<float> d_source(source.n_element());
  const int64_t n = node.shape.ne[0];
  for (int64_t row = 0; row < count_rows(node.shape); ++row) {
    const auto [i1, i2, i3] = row_number(node.shape, row);
    (void)i1;
    const int64_t to = (i3 * shape.ne[2] + i2) * shape.ne[1] + numbers[row];
    for (int64_t i = 0; i < n; ++i) {
      d_source[to * n + i] += d_node[row * n + i];
    }
  }
  tape.add_gradient(source, d_source.data());
}

void rule_concat(Tape& tape, const TapeTensor& node, const float* d_node) {
  const int64_t axis = node.shape.op_params[0];
  int64_t offset = 0;
  for (int64_t k = 0; k < 2; ++k) {
    const TapeTensor& source = tape.source(node, k);
    const ggml_tensor& shape = source.shape;
    std::vector<float> d_source(source.n_element());
    for (int64_t i = 0; i < std::ssize(d_source); ++i) {
      std::array<int64_t, GGML_MAX_DIMS> at = {i % shape.ne[0],
                                               i / shape.ne[0] % shape.ne[1],
                                               i / (shape.ne[0] * shape.ne[1]) % shape.ne[2],
                                               i / (shape.ne[0] * shape.ne[1] * shape.ne[2])};
      at[axis] += offset;
      const int64_t* ne = node.shape.ne;
      d_source[i] = d_node[((at[3] * ne[2] + at[2]) * ne[1] + at[1]) * ne[0] + at[0]];
    }
    tape.add_gradient(source, d_source.data());
    offset += shape.ne[axis];
  }
}

void rule_repeat(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const ggml_tensor& shape = source.shape;
  std::vector<float> d_source(source.n_element());
  const int64_t n = node.shape.ne[0];
  for (int64_t row = 0; row < count_rows(node.shape); ++row) {
    const auto [i1, i2, i3] = row_number(node.shape, row);
    const int64_t to =
        (((i3 % shape.ne[3]) * shape.ne[2] + i2 % shape.ne[2]) * shape.ne[1] + i1 % shape.ne[1]) *
        shape.ne[0];
    for (int64_t i = 0; i < n; ++i) {
      d_source[to + i % shape.ne[0]] += d_node[row * n + i];
    }
  }
  tape.add_gradient(source, d_source.data());
}

// op_params: zeros before and behind along each axis, then whether they wrap around (no rule).
void rule_pad(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const ggml_tensor& shape = source.shape;
  const int32_t* before = node.shape.op_params;
  std::vector<float> d_source(source.n_element());
  for (int64_t row = 0; row < count_rows(shape); ++row) {
    const auto [i1, i2, i3] = row_number(shape, row);
    const int64_t* ne = node.shape.ne;
    const int64_t from =
        (((i3 + before[6]) * ne[2] + i2 + before[4]) * ne[1] + i1 + before[2]) * ne[0] + before[0];
    for (int64_t i = 0; i < shape.ne[0]; ++i) {
      d_source[row * shape.ne[0] + i] = d_node[from + i];
    }
  }
  tape.add_gradient(source, d_source.data());
}

}  // namespace mascing
