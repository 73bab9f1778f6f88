// RMS norm, and what happens to queries and keys between projection and attention: norm, rotation,
// scale.
#include "kernels.h"

namespace zoo {
namespace {

/// d_x of y = x * inv_rms(x) given g = dL/dy; x_hat = y.
void norm_backward(const float* x_hat, const float* g, float inv, int d, float* d_x) {
  const float mean = dot(x_hat, g, d) / static_cast<float>(d);
#pragma omp simd
  for (int i = 0; i < d; ++i) {
    d_x[i] = (g[i] - x_hat[i] * mean) * inv;
  }
}

/// Turns the pairs (i, i + 16) by the angles; with -sin it turns back.
void rotate(const float* x, const float* cosine, const float* sine, float sign, float* out) {
  constexpr int half = kHead / 2;
#pragma omp simd
  for (int i = 0; i < half; ++i) {
    const float first = x[i];
    const float second = x[i + half];
    const float s = sign * sine[i];
    out[i] = first * cosine[i] - second * s;
    out[i + half] = second * cosine[i] + first * s;
  }
}

float normalise(const float* x, float eps, float* x_hat) {
  const float inv = 1.0F / std::sqrt(dot(x, x, kHead) / kHead + eps);
  for (int i = 0; i < kHead; ++i) {
    x_hat[i] = x[i] * inv;
  }
  return inv;
}

}  // namespace

extern "C" {

void zoo_norm_forward(const float* x,
                      const float* weight,
                      const float* bias,
                      float eps,
                      int64_t n,
                      int d,
                      float* out,
                      float* inv_rms) {
  for (int64_t i = 0; i < n; ++i, x += d, out += d) {
    const float inv = inv_rms[i] = 1.0F / std::sqrt(dot(x, x, d) / static_cast<float>(d) + eps);
    for (int j = 0; j < d; ++j) {
      out[j] = x[j] * inv * weight[j] + (bias != nullptr ? bias[j] : 0.0F);
    }
  }
}

/// d_weight and d_bias [D] are added to.
void zoo_norm_backward(const float* x,
                       const float* weight,
                       const float* inv_rms,
                       const float* d_out,
                       int64_t n,
                       int d,
                       float* d_x,
                       float* d_weight,
                       float* d_bias) {
  std::vector<float> x_hat(d), g(d);
  for (int64_t i = 0; i < n; ++i, x += d, d_out += d, d_x += d) {
    for (int j = 0; j < d; ++j) {
      x_hat[j] = x[j] * inv_rms[i];
      g[j] = d_out[j] * weight[j];
      d_weight[j] += d_out[j] * x_hat[j];
    }
    norm_backward(x_hat.data(), g.data(), inv_rms[i], d, d_x);
    if (d_bias != nullptr) {
      add_scaled(d_bias, d_out, 1.0F, d);
    }
  }
}

/// order: 0 no norm, 1 norm then rotation, 2 rotation then norm. qkv [N, ld]; cosine and sine [N,
/// 16]; qk [N, H + G, 32].
void zoo_rotary_forward(const float* qkv,
                        int ld,
                        const float* cosine,
                        const float* sine,
                        const float* q_norm,
                        const float* k_norm,
                        int order,
                        float eps,
                        int64_t n,
                        int n_head,
                        int n_head_kv,
                        float scale,
                        float* qk) {
  float y[kHead];
  for (int64_t i = 0; i < n; ++i) {
    for (int h = 0; h < n_head + n_head_kv; ++h, qk += kHead) {
      const float* x = qkv + i * ld + h * kHead;
      const float* weight = h < n_head ? q_norm : k_norm;
      const float factor = h < n_head ? scale : 1.0F;
      const float *c = cosine + i * kHead / 2, *s = sine + i * kHead / 2;
      if (order == 1) {
        normalise(x, eps, y);
        for (int j = 0; j < kHead; ++j) {
          y[j] *= weight[j];
        }
        rotate(y, c, s, 1.0F, qk);
      } else {
        rotate(x, c, s, 1.0F, qk);
      }
      if (order == 2) {
        normalise(qk, eps, y);
        for (int j = 0; j < kHead; ++j) {
          qk[j] = y[j] * weight[j];
        }
      }
      for (int j = 0; j < kHead; ++j) {
        qk[j] *= factor;
      }
    }
  }
}

/// d_qkv [N, ld] is set where queries and keys are; d_q_norm and d_k_norm [32] are added to.
void zoo_rotary_backward(const float* qkv,
                         int ld,
                         const float* cosine,
                         const float* sine,
                         const float* q_norm,
                         const float* k_norm,
                         int order,
                         float eps,
                         int64_t n,
                         int n_head,
                         int n_head_kv,
                         float scale,
                         const float* d_qk,
                         float* d_qkv,
                         float* d_q_norm,
                         float* d_k_norm) {
  float g[kHead], u[kHead], x_hat[kHead];
  for (int64_t i = 0; i < n; ++i) {
    for (int h = 0; h < n_head + n_head_kv; ++h, d_qk += kHead) {
      const float* x = qkv + i * ld + h * kHead;
      const float* weight = h < n_head ? q_norm : k_norm;
      float* d_weight = h < n_head ? d_q_norm : d_k_norm;
      float* d_x = d_qkv + i * ld + h * kHead;
      const float *c = cosine + i * kHead / 2, *s = sine + i * kHead / 2;
      for (int j = 0; j < kHead; ++j) {
        g[j] = d_qk[j] * (h < n_head ? scale : 1.0F);
      }
      if (order == 0) {
        rotate(g, c, s, -1.0F, d_x);
        continue;
      }
      if (order == 1) {
        rotate(g, c, s, -1.0F, u);
      } else {
        rotate(x, c, s, 1.0F, u);
      }
      const float* g_weighted = order == 1 ? u : g;
      const float inv = normalise(order == 1 ? x : u, eps, x_hat);
      float g_hat[kHead];
      for (int j = 0; j < kHead; ++j) {
        d_weight[j] += g_weighted[j] * x_hat[j];
        g_hat[j] = g_weighted[j] * weight[j];
      }
      if (order == 1) {
        norm_backward(x_hat, g_hat, inv, kHead, d_x);
      } else {
        norm_backward(x_hat, g_hat, inv, kHead, u);
        rotate(u, c, s, -1.0F, d_x);
      }
    }
  }
}

}  // extern "C"
}  // namespace zoo
