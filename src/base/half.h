// IEEE half precision (binary16) and bfloat16 to and from float, rounding to nearest even, with
// infinities, NaN and subnormals as in the standard. The bulk forms use F16C where
// the processor has it.
#pragma once

#include <cstdint>

namespace mascing {

/// Nearest half; beyond 65504 + 1/2 ulp: infinity. A NaN stays a quiet NaN of the same sign.
[[nodiscard]] uint16_t float_to_half(float value);
/// Exact.
[[nodiscard]] float half_to_float(uint16_t half);

/// bfloat16, the upper half of a float: to nearest even, and back exactly.
[[nodiscard]] uint16_t float_to_bfloat(float value);
[[nodiscard]] float bfloat_to_float(uint16_t bits);

/// `n` numbers; `in` and `out` must not overlap. Same results as the single forms.
void to_half(const float* in, uint16_t* out, int64_t n);
void from_half(const uint16_t* in, float* out, int64_t n);
void from_bfloat(const uint16_t* in, float* out, int64_t n);

}  // namespace mascing
