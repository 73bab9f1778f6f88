// Sums, norms and softmax along rows.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/numeric.h"
#include "host/llama/tape/functions.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += to_scalar<double>(a[i]) * to_scalar<double>(b[i]);
  }
  return sum;
}

/// `rule(x, y, dy, dx, n)` for each row of a node that has its source's shape.
template <typename Rule>
void for_rows(Tape& tape, const TapeTensor& node, const float* d_node, Rule rule) {
  const TapeTensor& source = tape.source(node, 0);
  const Floats x = tape.values(source);
  const Floats y = tape.values(node);
  std::vector<float> d_source(node.n_element());
  const int64_t n = node.shape.ne[0];
  for (int64_t at = 0; at < node.n_element(); at += n) {
    rule(x.data() + at, y.data() + at, d_node + at, d_source.data() + at, n);
  }
  tape.add_gradient(source, d_source.data());
}

/// Each row of the source gets one value of the node.
void share_out(Tape& tape, const TapeTensor& node, const float* d_node, int64_t n, float factor) {
  const TapeTensor& source = tape.source(node, 0);
  std::vector<float> d_source(source.n_element());
  for (int64_t i = 0; i < std::ssize(d_source); ++i) {
    d_source[i] = factor * d_node[i / n];
  }
  tape.add_gradient(source, d_source.data());
}

}  // namespace

void rule_sum(Tape& tape, const TapeTensor& node, const float* d_node) {
  share_out(tape, node, d_node, tape.source(node, 0).n_element(), 1.0F);
}

void rule_sum_rows(Tape& tape, const TapeTensor& node, const float* d_node) {
  share_out(tape, node, d_node, tape.source(node, 0).shape.ne[0], 1.0F);
}

void rule_mean(Tape& tape, const TapeTensor& node, const float* d_node) {
  const int64_t n = tape.source(node, 0).shape.ne[0];
  share_out(tape, node, d_node, n, to_float(1.0 / to_double(n)));
}

// y = x / sqrt(mean(x^2) + eps): dx = (dy - y mean(dy y)) / sqrt(...).
void rule_rms_norm(Tape& tape, const TapeTensor& node, const float* d_node) {
  const float eps = float_parameter(node.shape, 0);
  for_rows(tape,
           node,
           d_node,
           [&](const float* x, const float* y, const float* dy, float* dx, int64_t n) {
             const double scale = 1.0 / std::sqrt(dot(x, x, n) / to_double(n) + eps);
             const double part = dot(dy, y, n) / to_double(n);
             for (int64_t i = 0; i < n; ++i) {
               dx[i] = to_float(scale * (dy[i] - y[i] * part));
             }
           });
}

void rule_norm(Tape& tape, const TapeTensor& node, const float* d_node) {
  const float eps = float_parameter(node.shape, 0);
  for_rows(tape,
           node,
           d_node,
           [&](const float* x, const float* y, const float* dy, float* dx, int64_t n) {
             double sum = 0.0;
             double d_sum = 0.0;
             for (int64_t i = 0; i < n; ++i) {
               sum += x[i];
               d_sum += dy[i];
             }
             const double center = sum / to_double(n);
             double square = 0.0;
             for (int64_t i = 0; i < n; ++i) {
               square += (x[i] - center) * (x[i] - center);
             }
             const double scale = 1.0 / std::sqrt(square / to_double(n) + eps);
             const double part = dot(dy, y, n) / to_double(n);
             for (int64_t i = 0; i < n; ++i) {
               dx[i] = to_float(scale * (dy[i] - d_sum / to_double(n) - y[i] * part));
             }
           });
}

// y = x / max(|x|, eps).
void rule_l2_norm(Tape& tape, const TapeTensor& node, const float* d_node) {
  const double eps = float_parameter(node.shape, 0);
  for_rows(tape,
           node,
           d_node,
           [&](const float* x, const float* y, const float* dy, float* dx, int64_t n) {
             const double norm = std::sqrt(dot(x, x, n));
             const double part = norm > eps ? dot(dy, y, n) : 0.0;
             for (int64_t i = 0; i < n; ++i) {
               dx[i] = to_float((dy[i] - y[i] * part) / std::max(norm, eps));
             }
           });
}

// y = softmax(scale x + mask); sinks only add to the sum below, so that the same holds with them.
void rule_soft_max(Tape& tape, const TapeTensor& node, const float* d_node) {
  const double scale = float_parameter(node.shape, 0);  // the first parameter, too
  for_rows(
      tape, node, d_node, [&](const float*, const float* y, const float* dy, float* dx, int64_t n) {
        const double part = dot(dy, y, n);
        for (int64_t i = 0; i < n; ++i) {
          dx[i] = to_float(scale * y[i] * (dy[i] - part));
        }
      });
}

}  // namespace mascing
