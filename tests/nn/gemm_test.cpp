// The matrix products against plain loops, at sizes around those of tiles and panels.
#include "nn/gemm.h"

#include <gtest/gtest.h>

#include "nn/numeric.h"

namespace mascing::nn {
namespace {

struct Sizes {
  int64_t n_row;
  int64_t n_inner;
  int64_t n_col;
};

std::ostream& operator<<(std::ostream& out, const Sizes& sizes) {
  return out << sizes.n_row << " x " << sizes.n_inner << " x " << sizes.n_col;
}

/// Sizes below, at and above a tile of any processor, and beyond the blocks.
const std::vector<Sizes> kSizes = {{1, 1, 1},
                                   {1, 5, 3},
                                   {3, 7, 8},
                                   {8, 2, 16},
                                   {9, 300, 17},
                                   {13, 16, 33},
                                   {70, 31, 48},
                                   {129, 260, 65},
                                   {5, 600, 100}};

template <typename Scalar>
class Gemm : public testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(Scalar) == 4 ? 2e-6 : 1e-14;
  static constexpr int64_t kGap = 3;  // numbers between rows that must be left alone

  /// a [M, K] * b [K, N] + c, in double.
  static std::vector<double> plain(const std::vector<Scalar>& a,
                                   const std::vector<Scalar>& b,
                                   std::vector<double> c,
                                   const Sizes& n) {
    for (int64_t i = 0; i < n.n_row; ++i) {
      for (int64_t j = 0; j < n.n_col; ++j) {
        for (int64_t k = 0; k < n.n_inner; ++k) {
          c[i * n.n_col + j] +=
              static_cast<double>(a[i * n.n_inner + k]) * static_cast<double>(b[k * n.n_col + j]);
        }
      }
    }
    return c;
  }

  /// rows x columns, spread out with gaps of 7s.
  static std::vector<Scalar> spread(const std::vector<Scalar>& dense, int64_t n_col) {
    std::vector<Scalar> result;
    for (size_t i = 0; i < dense.size(); ++i) {
      result.push_back(dense[i]);
      if (static_cast<int64_t>(i) % n_col == n_col - 1) {
        result.insert(result.end(), kGap, Scalar(7));
      }
    }
    return result;
  }

  static std::vector<Scalar> transposed(const std::vector<Scalar>& x, int64_t n_row) {
    const auto n_col = static_cast<int64_t>(x.size()) / n_row;
    std::vector<Scalar> result(x.size());
    for (int64_t i = 0; i < n_row; ++i) {
      for (int64_t j = 0; j < n_col; ++j) {
        result[j * n_row + i] = x[i * n_col + j];
      }
    }
    return result;
  }
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Scalars);

TYPED_TEST(Gemm, MultipliesAndTouchesNothingBetweenTheRows) {
  for (const Sizes& n : kSizes) {
    const auto a = random_values<TypeParam>(n.n_row * n.n_inner, 1);
    const auto b = random_values<TypeParam>(n.n_inner * n.n_col, 2);
    const auto start = random_values<TypeParam>(n.n_row * n.n_col, 3);
    const std::vector<double> zero(start.size(), 0.0);
    const std::vector<double> before(start.begin(), start.end());
    const auto wide_a = this->spread(a, n.n_inner);
    for (const bool is_transposed : {false, true}) {
      PackedMatrix<TypeParam> packed;
      const auto b_t = this->transposed(b, n.n_inner);
      packed.pack(is_transposed ? b_t.data() : b.data(),
                  is_transposed ? 1 : n.n_col,
                  is_transposed ? n.n_inner : 1,
                  n.n_inner,
                  n.n_col);
      for (const Onto onto : {Onto::kNothing, Onto::kResult}) {
        auto c = this->spread(start, n.n_col);
        const auto expected = this->plain(a, b, onto == Onto::kResult ? before : zero, n);
        const std::vector<TypeParam> dense(expected.begin(), expected.end());
        packed.multiply({wide_a.data(), n.n_inner + TestFixture::kGap, n.n_row},
                        {c.data(), n.n_col + TestFixture::kGap, n.n_row},
                        onto);
        EXPECT_LT(relative_error(c, this->spread(dense, n.n_col)), TestFixture::kTolerance) << n;
      }
    }
  }
}

TYPED_TEST(Gemm, AddsABias) {
  for (const Sizes& n : kSizes) {
    const auto a = random_values<TypeParam>(n.n_row * n.n_inner, 1);
    const auto b = random_values<TypeParam>(n.n_inner * n.n_col, 2);
    const auto bias = random_values<TypeParam>(n.n_col, 3);
    std::vector<double> start;
    for (int64_t i = 0; i < n.n_row; ++i) {
      start.insert(start.end(), bias.begin(), bias.end());
    }
    std::vector<TypeParam> c(n.n_row * n.n_col);
    PackedMatrix<TypeParam> packed;
    packed.pack(b.data(), n.n_col, 1, n.n_inner, n.n_col);
    packed.multiply_plus({a.data(), n.n_inner, n.n_row}, bias.data(), {c.data(), n.n_col, n.n_row});
    EXPECT_LT(relative_error(c, this->plain(a, b, start, n)), TestFixture::kTolerance) << n;
  }
}

TYPED_TEST(Gemm, AddsOuterProducts) {
  OuterProduct<TypeParam> outer;
  for (const Sizes& n : kSizes) {
    const auto a = random_values<TypeParam>(n.n_row * n.n_inner, 1);
    const auto b = random_values<TypeParam>(n.n_inner * n.n_col, 2);
    auto c = random_values<TypeParam>(n.n_row * n.n_col, 3);
    const std::vector<double> start(c.begin(), c.end());
    const auto a_t = this->spread(this->transposed(a, n.n_row), n.n_row);
    const auto wide_b = this->spread(b, n.n_col);
    outer.add({a_t.data(), n.n_row + TestFixture::kGap, n.n_inner},
              n.n_row,
              {wide_b.data(), n.n_col + TestFixture::kGap, n.n_inner},
              n.n_col,
              c.data());
    EXPECT_LT(relative_error(c, this->plain(a, b, start, n)), TestFixture::kTolerance) << n;
  }
}

TYPED_TEST(Gemm, GivesARowTheSameBytesWhateverElseIsMultiplied) {
  const auto a = random_values<TypeParam>(37 * 20, 1);
  const auto b = random_values<TypeParam>(20 * 50, 2);
  PackedMatrix<TypeParam> packed;
  packed.pack(b.data(), 50, 1, 20, 50);
  std::vector<TypeParam> together(37 * 50);
  packed.multiply({a.data(), 20, 37}, {together.data(), 50, 37}, Onto::kNothing);
  for (int64_t i = 0; i < 37; ++i) {
    std::vector<TypeParam> alone(50);
    packed.multiply({a.data() + 20 * i, 20, 1}, {alone.data(), 50, 1}, Onto::kNothing);
    EXPECT_EQ(alone,
              std::vector<TypeParam>(together.begin() + 50 * i, together.begin() + 50 * (i + 1)));
  }
}

}  // namespace
}  // namespace mascing::nn
