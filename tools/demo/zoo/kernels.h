// What the kernels share: matrix products, and an exponential that
// vectorises. Everything is row-major; "ld" is the distance of two rows.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace zoo {

constexpr int kHead = 32;  // width of an attention head

struct Matrix {
  const float* data;
  int ld;
};

/// c [m, n] = a [m, k] b [k, n], plus beta * c if beta (0 or 1) is not 0.
void multiply(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc);
/// b is stored [n, k].
void multiply_bt(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc);
/// a is stored [k, m].
void multiply_at(int m, int n, int k, Matrix a, Matrix b, float beta, float* c, int ldc);

/// e^x to about 2e-7 relative (Cephes' polynomial); 0 below -87.
inline float exponential(float x) {
  const float clamped = x > 88.0F ? 88.0F : (x < -87.0F ? -87.0F : x);
  const float n = std::floor(clamped * 1.44269504F + 0.5F);
  const float r = clamped - n * 0.693359375F + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float value = p * r * r + r + 1.0F;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return x < -87.0F ? 0.0F : value * scale;
}

inline float sigmoid(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

inline float dot(const float* a, const float* b, int n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// y += scale * x
inline void add_scaled(float* y, const float* x, float scale, int n) {
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    y[i] += scale * x[i];
  }
}

}  // namespace zoo
