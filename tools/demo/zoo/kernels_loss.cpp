// Weighted cross-entropy over the vocabulary and its gradients in one pass, in chunks of rows, so
// that the matrix of all logits is never in memory.
#include <algorithm>

#include "kernels.h"

namespace zoo {
namespace {

constexpr int kRow = 96;

/// Logits become weight * (softmax - one at the target); returns the negative log-likelihood.
float row_loss(float* logits, int n_vocab, int64_t target, float weight) {
  float most = logits[0];
#pragma omp simd reduction(max : most)
  for (int j = 0; j < n_vocab; ++j) {
    most = std::max(most, logits[j]);
  }
  const float wanted = logits[target] - most;
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (int j = 0; j < n_vocab; ++j) {
    logits[j] = exponential(logits[j] - most);
    sum += logits[j];
  }
  const float scale = weight / sum;
  for (int j = 0; j < n_vocab; ++j) {
    logits[j] *= scale;
  }
  logits[target] -= weight;
  return std::log(sum) - wanted;
}

}  // namespace

struct LossInput {
  const float *hidden, *output, *bias;  // [N, D], [V, D], [V] or null
  const int64_t* target;                // [N]
  const float* weight;                  // [N]
  int64_t n;
  int d_model, n_vocab;
};

struct LossOutput {
  float *nll, *d_hidden, *d_output, *d_bias;  // [N], [N, D]; [V, D] and [V] are added to
};

extern "C" void zoo_loss(const LossInput* input, const LossOutput* output) {
  const LossInput& x = *input;
  const int d = x.d_model;
  const int v = x.n_vocab;
  std::vector<float> logits(static_cast<size_t>(kRow) * v);
  for (int64_t first = 0; first < x.n; first += kRow) {
    const int n = static_cast<int>(std::min<int64_t>(kRow, x.n - first));
    const Matrix hidden{x.hidden + first * d, d};
    multiply_bt(n, v, d, hidden, {x.output, d}, 0.0F, logits.data(), v);
    for (int i = 0; i < n; ++i) {
      float* row = logits.data() + i * v;
      if (x.bias != nullptr) {
        add_scaled(row, x.bias, 1.0F, v);
      }
      output->nll[first + i] = row_loss(row, v, x.target[first + i], x.weight[first + i]);
      if (x.bias != nullptr) {
        add_scaled(output->d_bias, row, 1.0F, v);
      }
    }
    multiply(n, d, v, {logits.data(), v}, {x.output, d}, 0.0F, output->d_hidden + first * d, d);
    multiply_at(v, d, n, {logits.data(), v}, hidden, 1.0F, output->d_output, d);
  }
}

}  // namespace zoo
