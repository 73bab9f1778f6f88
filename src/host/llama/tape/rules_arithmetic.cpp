// Sums, products and quotients of two tensors of which the second is repeated, and simple functions
// of one.
#include <cmath>
#include <vector>

#include "host/llama/tape/functions.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

/// Calls `use(i, j)` for each element i of the node and the element j of the repeated tensor that
/// it meets.
template <typename Use>
void for_each_pair(const ggml_tensor& node, const ggml_tensor& repeated, Use use) {
  int64_t i = 0;
  const int64_t n_row = node.ne[1] * node.ne[2] * node.ne[3];
  for (int64_t i_row = 0; i_row < n_row; ++i_row) {
    const int64_t j1 = i_row % node.ne[1] % repeated.ne[1];
    const int64_t j2 = i_row / node.ne[1] % node.ne[2] % repeated.ne[2];
    const int64_t j3 = i_row / (node.ne[1] * node.ne[2]) % repeated.ne[3];
    const int64_t row = ((j3 * repeated.ne[2] + j2) * repeated.ne[1] + j1) * repeated.ne[0];
    if (repeated.ne[0] == node.ne[0]) {
      for (int64_t i0 = 0; i0 < node.ne[0]; ++i0) {
        use(i++, row + i0);
      }
      continue;
    }
    for (int64_t i0 = 0; i0 < node.ne[0]; ++i0) {
      use(i++, row + i0 % repeated.ne[0]);
    }
  }
}

void add_repeated(Tape& tape, const TapeTensor& node, const float* d_node, float sign) {
  const TapeTensor& second = tape.source(node, 1);
  tape.add_gradient(tape.source(node, 0), d_node);
  if (!tape.wants(second)) {
    return;
  }
  std::vector<float> d_second(second.n_element());
  for_each_pair(
      node.shape, second.shape, [&](int64_t i, int64_t j) { d_second[j] += sign * d_node[i]; });
  tape.add_gradient(second, d_second.data());
}

/// d source = d node * slope(x, y) with x the source's and y the node's value.
template <typename Slope>
void chain(Tape& tape, const TapeTensor& node, const float* d_node, Slope slope) {
  const TapeTensor& source = tape.source(node, 0);
  const Floats x = tape.values(source);
  const Floats y = tape.values(node);
  std::vector<float> d_source(node.n_element());
  for (int64_t i = 0; i < std::ssize(d_source); ++i) {
    d_source[i] = d_node[i] * slope(x[i], y[i]);
  }
  tape.add_gradient(source, d_source.data());
}

}  // namespace

void rule_add(Tape& tape, const TapeTensor& node, const float* d_node) {
  add_repeated(tape, node, d_node, 1.0F);
}

void rule_sub(Tape& tape, const TapeTensor& node, const float* d_node) {
  add_repeated(tape, node, d_node, -1.0F);
}

void rule_mul(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& first = tape.source(node, 0);
  const TapeTensor& second = tape.source(node, 1);
  if (tape.wants(first)) {
    const Floats b = tape.values(second);
    std::vector<float> d_first(node.n_element());
    for_each_pair(
        node.shape, second.shape, [&](int64_t i, int64_t j) { d_first[i] = d_node[i] * b[j]; });
    tape.add_gradient(first, d_first.data());
  }
  if (tape.wants(second)) {
    const Floats a = tape.values(first);
    std::vector<float> d_second(second.n_element());
    for_each_pair(
        node.shape, second.shape, [&](int64_t i, int64_t j) { d_second[j] += d_node[i] * a[i]; });
    tape.add_gradient(second, d_second.data());
  }
}

void rule_div(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& first = tape.source(node, 0);
  const TapeTensor& second = tape.source(node, 1);
  const Floats b = tape.values(second);
  if (tape.wants(first)) {
    std::vector<float> d_first(node.n_element());
    for_each_pair(
        node.shape, second.shape, [&](int64_t i, int64_t j) { d_first[i] = d_node[i] / b[j]; });
    tape.add_gradient(first, d_first.data());
  }
  if (tape.wants(second)) {
    const Floats y = tape.values(node);
    std::vector<float> d_second(second.n_element());
    for_each_pair(node.shape, second.shape, [&](int64_t i, int64_t j) {
      d_second[j] -= d_node[i] * y[i] / b[j];
    });
    tape.add_gradient(second, d_second.data());
  }
}

// The second source, a bias per expert, is a weight.
void rule_add_id(Tape& tape, const TapeTensor& node, const float* d_node) {
  tape.add_gradient(tape.source(node, 0), d_node);
}

void rule_scale(Tape& tape, const TapeTensor& node, const float* d_node) {
  const float factor = float_parameter(node.shape, 0);
  chain(tape, node, d_node, [&](float, float) { return factor; });
}

void rule_clamp(Tape& tape, const TapeTensor& node, const float* d_node) {
  const float least = float_parameter(node.shape, 0);
  const float most = float_parameter(node.shape, 1);
  chain(tape, node, d_node, [&](float x, float) { return x >= least && x <= most ? 1.0F : 0.0F; });
}

void rule_sqr(Tape& tape, const TapeTensor& node, const float* d_node) {
  chain(tape, node, d_node, [](float x, float) { return 2.0F * x; });
}

void rule_sqrt(Tape& tape, const TapeTensor& node, const float* d_node) {
  chain(tape, node, d_node, [](float, float y) { return y > 0.0F ? 0.5F / y : 0.0F; });
}

void rule_log(Tape& tape, const TapeTensor& node, const float* d_node) {
  chain(tape, node, d_node, [](float x, float) { return 1.0F / x; });
}

}  // namespace mascing
