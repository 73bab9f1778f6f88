// Several residual streams that are mixed before a block and behind it (hyper-connections).
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "host/llama/tape/functions.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

constexpr int64_t kStreams = 4;  // of ggml's own operation
constexpr int64_t kCells = kStreams * kStreams;
constexpr int64_t kMixes = 2 * kStreams + kCells;  // weights before, behind, and between

/// [source][target], as mixing weights lie in memory.
using Mixing = std::array<float, kCells>;

/// Divides the values at `first`, `first + step`, ... by their sum.
void normalise(Mixing& mixing, int64_t first, int64_t step, float eps) {
  float sum = eps;
  for (int64_t i = 0; i < kStreams; ++i) {
    sum += mixing[first + i * step];
  }
  for (int64_t i = 0; i < kStreams; ++i) {
    mixing[first + i * step] /= sum;
  }
}

/// The same in reverse; `before`: the values.
void normalise_back(const Mixing& before, int64_t first, int64_t step, float eps, Mixing& d) {
  float sum = eps;
  float part = 0.0F;
  for (int64_t i = 0; i < kStreams; ++i) {
    sum += before[first + i * step];
  }
  for (int64_t i = 0; i < kStreams; ++i) {
    part += d[first + i * step] * before[first + i * step] / sum;
  }
  for (int64_t i = 0; i < kStreams; ++i) {
    d[first + i * step] = (d[first + i * step] - part) / sum;
  }
}

bool is_by_target(int64_t i_step) {
  return i_step % 2 == 0;
}

/// Softmax over the targets of each source, then Sinkhorn's steps: sums over sources, then over
/// targets, become 1 in turns. All matrices on the way, from the softmax on.
std::vector<Mixing> balance(Mixing logits, int64_t n_step, float eps) {
  for (int64_t source = 0; source < kStreams; ++source) {
    float* row = logits.data() + source * kStreams;
    const float most = *std::max_element(row, row + kStreams);
    float sum = 0.0F;
    for (int64_t i = 0; i < kStreams; ++i) {
      row[i] = std::exp(row[i] - most);
      sum += row[i];
    }
    for (int64_t i = 0; i < kStreams; ++i) {
      row[i] = row[i] / sum + eps;
    }
  }
  std::vector<Mixing> steps = {logits};
  for (int64_t i_step = 0; i_step < n_step; ++i_step) {
    steps.push_back(steps.back());
    for (int64_t i = 0; i < kStreams; ++i) {
      const bool by_target = is_by_target(i_step);
      normalise(steps.back(), by_target ? i : i * kStreams, by_target ? kStreams : 1, eps);
    }
  }
  return steps;
}

/// From the gradient of the balanced matrix to that of the logits.
void balance_back(const std::vector<Mixing>& steps, float eps, Mixing& d) {
  for (int64_t i_step = std::ssize(steps) - 2; i_step >= 0; --i_step) {
    for (int64_t i = 0; i < kStreams; ++i) {
      const bool by_target = is_by_target(i_step);
      const int64_t step = by_target ? kStreams : 1;
      normalise_back(steps[i_step], by_target ? i : i * kStreams, step, eps, d);
    }
  }
  for (int64_t source = 0; source < kStreams; ++source) {
    float part = 0.0F;
    for (int64_t i = source * kStreams; i < (source + 1) * kStreams; ++i) {
      part += d[i] * (steps[0][i] - eps);
    }
    for (int64_t i = source * kStreams; i < (source + 1) * kStreams; ++i) {
      d[i] = (d[i] - part) * (steps[0][i] - eps);
    }
  }
}

/// Of rule_hc_post: the part of the residual streams and of the matrix that mixes them.
void mix_back(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& streams = tape.source(node, 1);
  const TapeTensor& matrices = tape.source(node, 3);
  const Floats residual = tape.values(streams);
  const Floats mixing = tape.values(matrices);
  const int64_t n = node.shape.ne[0];
  const int64_t n_stream = node.shape.ne[1];
  std::vector<float> d_residual(streams.n_element());
  std::vector<float> d_mixing(matrices.n_element());
  for (int64_t cell = 0; cell < matrices.n_element(); ++cell) {
    const int64_t from = cell / n_stream;
    const int64_t to = from / n_stream * n_stream + cell % n_stream;
    for (int64_t i = 0; i < n; ++i) {
      d_residual[from * n + i] += d_node[to * n + i] * mixing[cell];
      d_mixing[cell] += d_node[to * n + i] * residual[from * n + i];
    }
  }
  tape.add_gradient(streams, d_residual.data());
  tape.add_gradient(matrices, d_mixing.data());
}

}  // namespace

// The last part of `mixes`, scaled and shifted, becomes a doubly stochastic matrix for each token.
void rule_hc_comb(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const Floats mixes = tape.values(source);
  const float scale = tape.values(tape.source(node, 1))[2];
  const Floats base = tape.values(tape.source(node, 2));
  const float eps = float_parameter(node.shape, 0);
  const int64_t n_step = 2 * node.shape.op_params[1] - 1;
  std::vector<float> d_source(source.n_element());
  for (int64_t token = 0; token < source.shape.ne[1]; ++token) {
    const int64_t at = token * kMixes + 2 * kStreams;
    Mixing logits;
    Mixing d;
    for (int64_t i = 0; i < kCells; ++i) {
      logits[i] = mixes[at + i] * scale + base[2 * kStreams + i];
      d[i] = d_node[token * kCells + i];
    }
    balance_back(balance(logits, n_step, eps), eps, d);
    for (int64_t i = 0; i < kCells; ++i) {
      d_source[at + i] = d[i] * scale;
    }
  }
  tape.add_gradient(source, d_source.data());
}

// y = scale sum_h w_h x_h over the streams; w is a number for each stream, or behind a sigmoid one
// for each value.
void rule_hc_pre(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& streams = tape.source(node, 0);
  const TapeTensor& weights = tape.source(node, 1);
  const Floats x = tape.values(streams);
  const Floats w = tape.values(weights);
  const float scale = float_parameter(node.shape, 0);
  const bool is_gated = node.shape.op_params[1] != 0;
  const int64_t n = streams.shape.ne[0];
  std::vector<float> d_x(streams.n_element());
  std::vector<float> d_w(weights.n_element());
  for (int64_t row = 0; row < streams.shape.ne[1] * streams.shape.ne[2]; ++row) {
    const float* d_y = d_node + row / streams.shape.ne[1] * n;
    for (int64_t i = row * n; i < (row + 1) * n; ++i) {
      const float d_sum = scale * d_y[i - row * n];
      const ValueSlope weight = is_gated ? sigmoid(w[i]) : ValueSlope{w[row], 1.0F};
      d_x[i] = d_sum * weight.value;
      d_w[is_gated ? i : row] += d_sum * x[i] * weight.slope;
    }
  }
  tape.add_gradient(streams, d_x.data());
  tape.add_gradient(weights, d_w.data());
}

// y_d = x w_d + sum_s m_sd r_s, or + r_d where there is no matrix.
void rule_hc_post(Tape& tape, const TapeTensor& node, const float* d_node) {
  const Floats x = tape.values(tape.source(node, 0));
  const Floats post = tape.values(tape.source(node, 2));
  const int64_t n = node.shape.ne[0];
  const int64_t n_stream = node.shape.ne[1];
  std::vector<float> d_x(tape.source(node, 0).n_element());
  std::vector<float> d_post(tape.source(node, 2).n_element());
  for (int64_t row = 0; row < n_stream * node.shape.ne[2]; ++row) {
    const int64_t at = row / n_stream * n;
    for (int64_t i = 0; i < n; ++i) {
      d_x[at + i] += d_node[row * n + i] * post[row];
      d_post[row] += d_node[row * n + i] * x[at + i];
    }
  }
  tape.add_gradient(tape.source(node, 0), d_x.data());
  tape.add_gradient(tape.source(node, 2), d_post.data());
  if (node.sources[3] == TapeTensor::kNone) {
    tape.add_gradient(tape.source(node, 1), d_node);
  } else {
    mix_back(tape, node, d_node);
  }
}

}  // namespace mascing
