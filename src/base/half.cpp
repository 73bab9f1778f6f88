// Half precision by integer arithmetic on the bit patterns; eight numbers at a time where the
// processor has F16C, whatever the build was made for.
#include "base/half.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#define MASCING_X86 1
#endif

namespace mascing {

namespace {

constexpr uint32_t kFloatInfinity = 0x7F800000U;
constexpr uint32_t kHalfInfinity = 0x7C00U;
constexpr uint32_t kSmallestNormalHalf = 0x38800000U;  // 2^-14 as float
constexpr uint32_t kHalfOverflow = 0x47800000U;        // 2^16 as float

// 2^-14 > |value|: adding 1/2 leaves the half's mantissa, rounded by the processor, in the low
// bits.
uint32_t round_subnormal(uint32_t magnitude) {
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  return std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5F);
}

// Rebiases the exponent and rounds away 13 mantissa bits, ties to even; a carry may reach infinity.
uint32_t round_normal(uint32_t magnitude) {
  const uint32_t odd = (magnitude >> 13) & 1U;
  return (magnitude - (112U << 23) + 0xFFFU + odd) >> 13;
}

// How many of the `n` numbers were converted: multiples of eight, or none without F16C.
#ifdef MASCING_X86
bool has_f16c() {
  // Clang 14 does not know the word f16c; every processor with AVX2 has it.
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

__attribute__((target("avx,f16c"))) int64_t to_half_by_eight(const float* in,
                                                             uint16_t* out,
                                                             int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), half);
  }
  return i;
}

__attribute__((target("avx,f16c"))) int64_t from_half_by_eight(const uint16_t* in,
                                                               float* out,
                                                               int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(half));
  }
  return i;
}
#else
bool has_f16c() {
  return false;
}
int64_t to_half_by_eight(const float*, uint16_t*, int64_t) {
  return 0;
}
int64_t from_half_by_eight(const uint16_t*, float*, int64_t) {
  return 0;
}
#endif

}  // namespace

uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  uint32_t half = kHalfInfinity;
  if (magnitude > kFloatInfinity) {
    half = kHalfInfinity | 0x200U | ((magnitude >> 13) & 0x3FFU);
  } else if (magnitude < kSmallestNormalHalf) {
    half = round_subnormal(magnitude);
  } else if (magnitude < kHalfOverflow) {
    half = round_normal(magnitude);
  }
  return static_cast<uint16_t>(sign | half);
}

uint16_t float_to_bfloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > kFloatInfinity) {
    return static_cast<uint16_t>((bits >> 16) | 0x40U);
  }
  const uint32_t odd = (bits >> 16) & 1U;
  return static_cast<uint16_t>((bits + 0x7FFFU + odd) >> 16);
}

float bfloat_to_float(uint16_t bits) {
  return std::bit_cast<float>(uint32_t{bits} << 16);
}

float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1FU) {
    const uint32_t quiet = mantissa != 0 ? 0x400000U : 0U;
    return std::bit_cast<float>(sign | kFloatInfinity | quiet | (mantissa << 13));
  }
  if (exponent == 0) {
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
}

void to_half(const float* in, uint16_t* out, int64_t n) {
  for (int64_t i = has_f16c() ? to_half_by_eight(in, out, n) : 0; i < n; ++i) {
    out[i] = float_to_half(in[i]);
  }
}

void from_half(const uint16_t* in, float* out, int64_t n) {
  for (int64_t i = has_f16c() ? from_half_by_eight(in, out, n) : 0; i < n; ++i) {
    out[i] = half_to_float(in[i]);
  }
}

void from_bfloat(const uint16_t* in, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = bfloat_to_float(in[i]);
  }
}

}  // namespace mascing
