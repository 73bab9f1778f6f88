#include "base/half.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace mascing {
namespace {

bool is_nan_half(uint32_t half) {
  return (half & 0x7C00U) == 0x7C00U && (half & 0x3FFU) != 0;
}

// The value by definition, as the reference.
double value_of(uint32_t half) {
  const int exponent = static_cast<int>((half >> 10U) & 0x1FU);
  const double mantissa = half & 0x3FFU;
  const double sign = (half & 0x8000U) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return sign * std::numeric_limits<double>::infinity();
  }
  return exponent == 0 ? sign * std::ldexp(mantissa, -24)
                       : sign * std::ldexp(1024.0 + mantissa, exponent - 25);
}

TEST(Half, EveryHalfHasItsValueAndComesBack) {
  for (uint32_t half = 0; half < 65536; ++half) {
    const float value = half_to_float(static_cast<uint16_t>(half));
    if (is_nan_half(half)) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(float_to_half(value), half | 0x200U);
    } else {
      EXPECT_EQ(static_cast<double>(value), value_of(half)) << half;
      EXPECT_EQ(float_to_half(value), half);
    }
  }
}

TEST(Half, MidpointsRoundToEvenAndNeighboursToTheNearest) {
  for (uint32_t half = 0; half < 0x7C00U; ++half) {
    const double next = half == 0x7BFFU ? 65536.0 : value_of(half + 1);
    const auto middle = static_cast<float>((value_of(half) + next) / 2);
    EXPECT_EQ(float_to_half(middle), half % 2 == 0 ? half : half + 1) << half;
    EXPECT_EQ(float_to_half(std::nextafter(middle, 0.0F)), half);
    EXPECT_EQ(float_to_half(std::nextafter(middle, 1e9F)), half + 1);
    EXPECT_EQ(float_to_half(-middle), 0x8000U | (half % 2 == 0 ? half : half + 1));
  }
}

TEST(Half, LargeNumbersBecomeInfinityAndTinyOnesZero) {
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00U);
  EXPECT_EQ(float_to_half(-3e38F), 0xFC00U);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::infinity()), 0x7C00U);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0U);
  EXPECT_EQ(float_to_half(-0.0F), 0x8000U);
}

TEST(Half, BulkConversionEqualsTheSingleOne) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<uint16_t>(i);
  }
  std::vector<float> floats(halves.size());
  from_half(halves.data(), floats.data(), 65536);
  for (size_t i = 0; i < halves.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(floats[i]),
              std::bit_cast<uint32_t>(half_to_float(halves[i])));
  }
  uint32_t bits = 1;
  for (float& value : floats) {
    bits = bits * 1664525U + 1013904223U;
    value = std::bit_cast<float>(bits);
  }
  std::vector<uint16_t> bulk(floats.size());
  to_half(floats.data() + 1, bulk.data(), 65531);
  for (size_t i = 0; i < 65531; ++i) {
    ASSERT_EQ(bulk[i], float_to_half(floats[i + 1])) << floats[i + 1];
  }
  EXPECT_EQ(bulk[65531], 0U);
}

TEST(Half, BulkConversionOfBfloatsEqualsTheSingleOne) {
  std::vector<uint16_t> bfloats(65536);
  std::iota(bfloats.begin(), bfloats.end(), uint16_t{0});
  std::vector<float> floats(bfloats.size());
  from_bfloat(bfloats.data(), floats.data(), 65536);
  for (size_t i = 0; i < bfloats.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(floats[i]), uint32_t{bfloats[i]} << 16);
  }
}

}  // namespace
}  // namespace mascing
