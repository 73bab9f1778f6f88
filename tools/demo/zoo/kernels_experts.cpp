// Experts on the tokens that chose them: rows are gathered, multiplied and scattered in chunks that
// stay in the cache. Pair p = (token p / K, its p % K-th choice).
#include <algorithm>

#include "kernels.h"

namespace zoo {
namespace {

constexpr int kChunk = 192;
constexpr float kAlpha = 1.702F, kLimit = 7.0F;

struct Shape {
  int64_t n_token;
  int n_used, n_expert, d_model, d_hidden, is_oai;
};

struct Weights {
  const float *w_in, *w_out, *b_in,
      *b_out;  // [E, D, 2F], [E, F, D], [E, 2F] or null, [E, D] or null
};

/// Pairs sorted by expert; offsets [E + 1].
struct Sorted {
  std::vector<int64_t> pairs, offsets;
};

Sorted sort_pairs(const int64_t* chosen, const Shape& s) {
  const int64_t n_pair = s.n_token * s.n_used;
  Sorted sorted{std::vector<int64_t>(n_pair), std::vector<int64_t>(s.n_expert + 1, 0)};
  for (int64_t p = 0; p < n_pair; ++p) {
    ++sorted.offsets[chosen[p] + 1];
  }
  for (int e = 0; e < s.n_expert; ++e) {
    sorted.offsets[e + 1] += sorted.offsets[e];
  }
  std::vector<int64_t> next(sorted.offsets.begin(), sorted.offsets.end() - 1);
  for (int64_t p = 0; p < n_pair; ++p) {
    sorted.pairs[next[chosen[p]]++] = p;
  }
  return sorted;
}

void activate(const float* hidden, const Shape& s, float* act) {
  const float *gate = hidden, *up = hidden + s.d_hidden;
  if (s.is_oai != 0) {
#pragma omp simd
    for (int j = 0; j < s.d_hidden; ++j) {
      const float x = std::min(gate[j], kLimit);
      const float y = std::min(std::max(up[j], -kLimit), kLimit);
      act[j] = x * sigmoid(kAlpha * x) * (y + 1.0F);
    }
    return;
  }
#pragma omp simd
  for (int j = 0; j < s.d_hidden; ++j) {
    act[j] = gate[j] * sigmoid(gate[j]) * up[j];
  }
}

/// From d_act (with respect to the activation before its weight) to d_hidden; `act` becomes weight
/// * act, and <d_act, act> is returned: the gradient of the weight.
float activate_backward(const float* hidden,
                        const float* d_act,
                        const Shape& s,
                        float weight,
                        float* act,
                        float* d_hidden) {
  const float *gate = hidden, *up = hidden + s.d_hidden;
  float *d_gate = d_hidden, *d_up = d_hidden + s.d_hidden;
  float sum = 0.0F;
  if (s.is_oai != 0) {
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < s.d_hidden; ++j) {
      const float x = std::min(gate[j], kLimit);
      const float y = std::min(std::max(up[j], -kLimit), kLimit);
      const float sig = sigmoid(kAlpha * x);
      const float a = x * sig * (y + 1.0F);
      sum += d_act[j] * a;
      act[j] = weight * a;
      const float d = weight * d_act[j];
      d_gate[j] =
          gate[j] < kLimit ? d * (y + 1.0F) * sig * (1.0F + kAlpha * x * (1.0F - sig)) : 0.0F;
      d_up[j] = up[j] > -kLimit && up[j] < kLimit ? d * x * sig : 0.0F;
    }
    return sum;
  }
#pragma omp simd reduction(+ : sum)
  for (int j = 0; j < s.d_hidden; ++j) {
    const float sig = sigmoid(gate[j]);
    const float silu = gate[j] * sig;
    const float a = silu * up[j];
    sum += d_act[j] * a;
    act[j] = weight * a;
    const float d = weight * d_act[j];
    d_gate[j] = d * up[j] * sig * (1.0F + gate[j] * (1.0F - sig));
    d_up[j] = d * silu;
  }
  return sum;
}

template <typename Visit>
void for_each_chunk(const Sorted& sorted, int n_expert, Visit visit) {
  for (int e = 0; e < n_expert; ++e) {
    for (int64_t first = sorted.offsets[e]; first < sorted.offsets[e + 1]; first += kChunk) {
      visit(e, first, static_cast<int>(std::min<int64_t>(kChunk, sorted.offsets[e + 1] - first)));
    }
  }
}

void gather(
    const float* x, const Sorted& sorted, int64_t first, int n, const Shape& s, float* rows) {
  for (int i = 0; i < n; ++i) {
    const int64_t token = sorted.pairs[first + i] / s.n_used;
    std::memcpy(rows + i * s.d_model, x + token * s.d_model, s.d_model * sizeof(float));
  }
}

void add_bias(float* rows, const float* bias, int n, int d) {
  for (int i = 0; i < n && bias != nullptr; ++i) {
    add_scaled(rows + i * d, bias, 1.0F, d);
  }
}

}  // namespace

extern "C" {

/// y [N, D], weight and chosen [N, K] -> out [N, D], which must be zero; hidden [N * K, 2F] is kept
/// for the way back.
void zoo_experts_forward(const float* y,
                         const float* weight,
                         const int64_t* chosen,
                         const Weights* w,
                         const Shape* shape,
                         float* out,
                         float* hidden) {
  const Shape& s = *shape;
  const int d = s.d_model, f = s.d_hidden;
  const Sorted sorted = sort_pairs(chosen, s);
  std::vector<float> rows(kChunk * d), act(kChunk * f), result(kChunk * d);
  for_each_chunk(sorted, s.n_expert, [&](int64_t e, int64_t first, int n) {
    gather(y, sorted, first, n, s, rows.data());
    float* h = hidden + first * 2 * f;
    multiply(n, 2 * f, d, {rows.data(), d}, {w->w_in + e * d * 2 * f, 2 * f}, 0.0F, h, 2 * f);
    add_bias(h, w->b_in != nullptr ? w->b_in + e * 2 * f : nullptr, n, 2 * f);
    for (int i = 0; i < n; ++i) {
      activate(h + i * 2 * f, s, act.data() + i * f);
    }
    multiply(n, d, f, {act.data(), f}, {w->w_out + e * f * d, d}, 0.0F, result.data(), d);
    add_bias(result.data(), w->b_out != nullptr ? w->b_out + e * d : nullptr, n, d);
    for (int i = 0; i < n; ++i) {
      const int64_t pair = sorted.pairs[first + i];
      add_scaled(out + pair / s.n_used * d, result.data() + i * d, weight[pair], d);
    }
  });
}

struct ExpertGradients {
  float *d_y, *d_weight, *d_w_in, *d_w_out, *d_b_in, *d_b_out;  // weights' gradients may be null
};

/// All gradients are added to, but d_weight [N, K], which is set.
void zoo_experts_backward(const float* y,
                          const float* weight,
                          const int64_t* chosen,
                          const Weights* w,
                          const Shape* shape,
                          const float* hidden,
                          const float* d_out,
                          const ExpertGradients* g) {
  const Shape& s = *shape;
  const int d = s.d_model, f = s.d_hidden;
  const Sorted sorted = sort_pairs(chosen, s);
  std::vector<float> rows(kChunk * d), d_rows(kChunk * d), act(kChunk * f), d_act(kChunk * f),
      d_hidden(kChunk * 2 * f);
  for_each_chunk(sorted, s.n_expert, [&](int64_t e, int64_t first, int n) {
    const float* h = hidden + first * 2 * f;
    gather(d_out, sorted, first, n, s, d_rows.data());
    multiply_bt(n, f, d, {d_rows.data(), d}, {w->w_out + e * f * d, d}, 0.0F, d_act.data(), f);
    for (int i = 0; i < n; ++i) {
      const int64_t pair = sorted.pairs[first + i];
      float sum = activate_backward(h + i * 2 * f,
                                    d_act.data() + i * f,
                                    s,
                                    weight[pair],
                                    act.data() + i * f,
                                    d_hidden.data() + i * 2 * f);
      if (w->b_out != nullptr) {
        sum += dot(d_rows.data() + i * d, w->b_out + e * d, d);
      }
      g->d_weight[pair] = sum;
      if (g->d_b_in != nullptr) {
        add_scaled(g->d_b_in + e * 2 * f, d_hidden.data() + i * 2 * f, 1.0F, 2 * f);
        add_scaled(g->d_b_out + e * d, d_rows.data() + i * d, weight[pair], d);
      }
    }
    if (g->d_w_in != nullptr) {
      multiply_at(f, d, n, {act.data(), f}, {d_rows.data(), d}, 1.0F, g->d_w_out + e * f * d, d);
      gather(y, sorted, first, n, s, rows.data());
      multiply_at(d,
                  2 * f,
                  n,
                  {rows.data(), d},
                  {d_hidden.data(), 2 * f},
                  1.0F,
                  g->d_w_in + e * d * 2 * f,
                  2 * f);
    }
    multiply_bt(n,
                d,
                2 * f,
                {d_hidden.data(), 2 * f},
                {w->w_in + e * d * 2 * f, 2 * f},
                0.0F,
                d_rows.data(),
                d);
    for (int i = 0; i < n; ++i) {
      add_scaled(g->d_y + sorted.pairs[first + i] / s.n_used * d, d_rows.data() + i * d, 1.0F, d);
    }
  });
}

}  // extern "C"
}  // namespace zoo
