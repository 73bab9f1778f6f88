// Products with a matrix whose rows may be quantised.
#pragma once

#include <cstdint>

#include <ggml.h>

namespace mascing {

/// Rows one after the other in memory, each of `n_column` values of any type that ggml converts.
struct MatrixRows {
  const uint8_t* first = nullptr;
  size_t row_bytes = 0;
  ggml_type type = GGML_TYPE_F32;
  int64_t n_row = 0;
  int64_t n_column = 0;
};

/// `n` neighbouring values of any type that ggml converts, as floats.
void convert_to_floats(ggml_type type, const uint8_t* from, int64_t n, float* to);

/// d_x += d_y W with W [n_row, n_column], d_y [n, n_row], d_x [n, n_column], all without gaps: what
/// the gradient of y = W x gives to that of x. W is converted a block of rows at a time.
void add_transposed_product(const MatrixRows& w, const float* d_y, int64_t n, float* d_x);
/// The same in strips of columns, one for each of up to `n_thread` threads, where it is worth it.
void add_transposed_product(
    const MatrixRows& w, const float* d_y, int64_t n, float* d_x, int64_t n_thread);
/// The same, one multiplication after the other.
void add_transposed_product_plainly(const MatrixRows& w, const float* d_y, int64_t n, float* d_x);

}  // namespace mascing
