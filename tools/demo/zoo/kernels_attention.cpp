// Causal attention within documents, in blocks of queries; nothing of size T x T is kept. The
// backward pass computes the weights again from the logarithm of their sum, transposed (keys x
// queries), so that four of its five products read their left side as it lies in memory.
#include <algorithm>

#include "kernels.h"

namespace zoo {
namespace {

constexpr int kBlock = 128;

/// Sizes and where things are. q and k lie in one matrix [N, H + G, 32], v is the last part of qkv
/// [N, H + 2G, 32].
struct Heads {
  const float *qk, *qkv;
  int n_head, n_head_kv, window;

  [[nodiscard]] int ld_qk() const { return (n_head + n_head_kv) * kHead; }
  [[nodiscard]] int ld_qkv() const { return (n_head + 2 * n_head_kv) * kHead; }
  [[nodiscard]] int ld_out() const { return n_head * kHead; }
  [[nodiscard]] int group(int h) const { return h / (n_head / n_head_kv); }
  [[nodiscard]] int64_t at_q(int64_t i, int h) const { return i * ld_qk() + h * kHead; }
  [[nodiscard]] int64_t at_k(int64_t i, int h) const {
    return i * ld_qk() + (n_head + group(h)) * kHead;
  }
  [[nodiscard]] int64_t at_v(int64_t i, int h) const {
    return i * ld_qkv() + (n_head + n_head_kv + group(h)) * kHead;
  }
  [[nodiscard]] int64_t at_out(int64_t i, int h) const { return i * ld_out() + h * kHead; }
};

/// Queries [first, first + n_q) of a document that starts at `start`, and the keys that any of them
/// sees.
struct Block {
  int64_t start;
  int first, n_q, first_key, n_key;
};

template <typename Visit>
void for_each_block(const int64_t* spans, int64_t n_span, int window, Visit visit) {
  for (int64_t s = 0; s < n_span; ++s) {
    const int length = static_cast<int>(spans[2 * s + 1] - spans[2 * s]);
    for (int first = 0; first < length; first += kBlock) {
      const int n_q = std::min(kBlock, length - first);
      const int first_key = window > 0 ? std::max(0, first - window + 1) : 0;
      visit(Block{spans[2 * s], first, n_q, first_key, first + n_q - first_key});
    }
  }
}

/// Softmax over the keys that a query sees, not yet divided by the sum, which is returned; the
/// maximum goes to `top`.
float weigh(float* row, int from, int to, int n_key, const float* sink, float* top) {
  float most = sink != nullptr ? *sink : -INFINITY;
#pragma omp simd reduction(max : most)
  for (int j = from; j < to; ++j) {
    most = std::max(most, row[j]);
  }
  float sum = sink != nullptr ? exponential(*sink - most) : 0.0F;
#pragma omp simd reduction(+ : sum)
  for (int j = from; j < to; ++j) {
    row[j] = exponential(row[j] - most);
    sum += row[j];
  }
  std::fill(row, row + from, 0.0F);
  std::fill(row + to, row + n_key, 0.0F);
  *top = most;
  return sum;
}

void forward_block(const Heads& x,
                   const Block& b,
                   int h,
                   const float* sinks,
                   float* scores,
                   float* out,
                   float* log_sum) {
  const int64_t i_q = b.start + b.first, i_k = b.start + b.first_key;
  multiply_bt(b.n_q,
              b.n_key,
              kHead,
              {x.qk + x.at_q(i_q, h), x.ld_qk()},
              {x.qk + x.at_k(i_k, h), x.ld_qk()},
              0.0F,
              scores,
              b.n_key);
  float sums[kBlock];
  for (int i = 0; i < b.n_q; ++i) {
    const int to = b.first + i + 1 - b.first_key;
    const int from = x.window > 0 ? std::max(0, to - x.window) : 0;
    float top = 0.0F;
    sums[i] = weigh(
        scores + i * b.n_key, from, to, b.n_key, sinks != nullptr ? sinks + h : nullptr, &top);
    log_sum[i] = top + std::log(sums[i]);
  }
  float* y = out + x.at_out(i_q, h);
  multiply(b.n_q,
           kHead,
           b.n_key,
           {scores, b.n_key},
           {x.qkv + x.at_v(i_k, h), x.ld_qkv()},
           0.0F,
           y,
           x.ld_out());
  for (int i = 0; i < b.n_q; ++i) {
    for (int j = 0; j < kHead; ++j) {
      y[i * x.ld_out() + j] /= sums[i];
    }
  }
}

struct Gradients {
  const float *out, *d_out, *log_sum;  // log_sum [H, N]
  float *d_qk, *d_qkv, *d_sinks;
};

/// weights and d_weights [n_key, n_q]: from scores and products with the values to what the
/// gradients need.
void weigh_again(const Heads& x,
                 const Block& b,
                 const float* log_sum,
                 const float* row_dot,
                 float* weights,
                 float* d_weights) {
  for (int j = 0; j < b.n_key; ++j) {
    float *w = weights + j * b.n_q, *d = d_weights + j * b.n_q;
    const int key = b.first_key + j;
    const int from = std::max(0, key - b.first);
    const int to = x.window > 0 ? std::min(b.n_q, key + x.window - b.first) : b.n_q;
    std::fill(w, w + from, 0.0F);
    std::fill(d, d + from, 0.0F);
#pragma omp simd
    for (int i = from; i < to; ++i) {
      w[i] = exponential(w[i] - log_sum[i]);
      d[i] = w[i] * (d[i] - row_dot[i]);
    }
    std::fill(w + to, w + b.n_q, 0.0F);
    std::fill(d + to, d + b.n_q, 0.0F);
  }
}

void backward_block(const Heads& x,
                    const Block& b,
                    int h,
                    const float* sinks,
                    int64_t n,
                    const Gradients& g,
                    float* weights,
                    float* d_weights) {
  const int64_t i_q = b.start + b.first, i_k = b.start + b.first_key;
  const Matrix q{x.qk + x.at_q(i_q, h), x.ld_qk()}, k{x.qk + x.at_k(i_k, h), x.ld_qk()};
  const Matrix v{x.qkv + x.at_v(i_k, h), x.ld_qkv()}, d_y{g.d_out + x.at_out(i_q, h), x.ld_out()};
  const float* log_sum = g.log_sum + h * n + i_q;
  float row_dot[kBlock];
  for (int i = 0; i < b.n_q; ++i) {
    row_dot[i] = dot(d_y.data + i * d_y.ld, g.out + x.at_out(i_q + i, h), kHead);
    if (sinks != nullptr) {
      g.d_sinks[h] -= exponential(sinks[h] - log_sum[i]) * row_dot[i];
    }
  }
  multiply_bt(b.n_key, b.n_q, kHead, k, q, 0.0F, weights, b.n_q);
  multiply_bt(b.n_key, b.n_q, kHead, v, d_y, 0.0F, d_weights, b.n_q);
  weigh_again(x, b, log_sum, row_dot, weights, d_weights);
  multiply(
      b.n_key, kHead, b.n_q, {weights, b.n_q}, d_y, 1.0F, g.d_qkv + x.at_v(i_k, h), x.ld_qkv());
  multiply(b.n_key, kHead, b.n_q, {d_weights, b.n_q}, q, 1.0F, g.d_qk + x.at_k(i_k, h), x.ld_qk());
  multiply_at(
      b.n_q, kHead, b.n_key, {d_weights, b.n_q}, k, 0.0F, g.d_qk + x.at_q(i_q, h), x.ld_qk());
}

int longest(const int64_t* spans, int64_t n_span) {
  int64_t length = 1;
  for (int64_t s = 0; s < n_span; ++s) {
    length = std::max(length, spans[2 * s + 1] - spans[2 * s]);
  }
  return static_cast<int>(length);
}

}  // namespace

extern "C" {

/// out [N, H * 32] and log_sum [H, N] are set for the tokens of the documents; spans [S, 2]; sinks
/// [H] or null.
void zoo_attention_forward(const float* qk,
                           const float* qkv,
                           const int64_t* spans,
                           int64_t n_span,
                           const float* sinks,
                           int64_t n,
                           int n_head,
                           int n_head_kv,
                           int window,
                           float* out,
                           float* log_sum) {
  const Heads heads{qk, qkv, n_head, n_head_kv, window};
  std::vector<float> scores(static_cast<size_t>(longest(spans, n_span)) * kBlock);
  for_each_block(spans, n_span, window, [&](const Block& block) {
    for (int h = 0; h < n_head; ++h) {
      forward_block(
          heads, block, h, sinks, scores.data(), out, log_sum + h * n + block.start + block.first);
    }
  });
}

/// d_qk [N, H + G, 32], the value part of d_qkv, and d_sinks [H] are added to.
void zoo_attention_backward(const float* qk,
                            const float* qkv,
                            const int64_t* spans,
                            int64_t n_span,
                            const float* sinks,
                            int64_t n,
                            int n_head,
                            int n_head_kv,
                            int window,
                            const float* out,
                            const float* log_sum,
                            const float* d_out,
                            float* d_qk,
                            float* d_qkv,
                            float* d_sinks) {
  const Heads heads{qk, qkv, n_head, n_head_kv, window};
  const Gradients gradients{out, d_out, log_sum, d_qk, d_qkv, d_sinks};
  const size_t size = static_cast<size_t>(longest(spans, n_span)) * kBlock;
  std::vector<float> weights(size), d_weights(size);
  for_each_block(spans, n_span, window, [&](const Block& block) {
    for (int h = 0; h < n_head; ++h) {
      backward_block(heads, block, h, sinks, n, gradients, weights.data(), d_weights.data());
    }
  });
}

}  // extern "C"
}  // namespace zoo
