// A count sketch (Charikar, Chen, Farach-Colton 2002): each value goes, with a random sign, into
// one of 64 sums. Both follow from its place in the tensor, so that sketches of two files compare.
// The square of a distance of two sketches is that of the tensors, up to a relative error of sqrt(2
// / 64).
#include "mascing/router_sketch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/numeric.h"
#include "base/random.h"

namespace mascing {
namespace {

struct Tolerance {
  int64_t type;
  double distance;
};

// Above the rounding of normal values and of such with heavy tails, which
// tests/host/router_sketch_test.cpp measures. Types that are not named here, those of one and two
// bits among them, leave too little of a router to know it by: only equal values agree.
constexpr std::array<Tolerance, 20> kTolerances = {
    {{0, 0.0},  {1, 1e-3}, {30, 6e-3}, {8, 0.02},  {2, 0.25}, {3, 0.2},   {6, 0.12},
     {7, 0.1},  {10, 0.6}, {11, 0.4},  {12, 0.2},  {13, 0.1}, {14, 0.06}, {18, 0.5},
     {21, 0.4}, {22, 0.6}, {20, 0.25}, {23, 0.25}, {39, 0.3}, {40, 0.3}}};

double norm_of(const float* values) {
  double square = 0.0;
  for (int64_t i = 0; i < RouterSketch::kWidth; ++i) {
    square += double{values[i]} * double{values[i]};
  }
  return std::sqrt(square);
}

/// Relative to the smaller norm.
double distance(const float* a, const float* b) {
  std::array<float, RouterSketch::kWidth> difference{};
  std::transform(a, a + RouterSketch::kWidth, b, difference.begin(), std::minus<>());
  const double gap = norm_of(difference.data());
  return gap == 0.0 ? 0.0 : gap / std::min(norm_of(a), norm_of(b));
}

}  // namespace

void RouterSketch::add(int64_t type, const float* tensor, int64_t n) {
  std::array<double, kWidth> sums{};
  const auto row = to_scalar<uint64_t>(types.size());
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t place = mix_seed(row, to_scalar<uint64_t>(i));
    const double value = tensor[i];
    sums[place % kWidth] += (place >> 63) != 0 ? value : -value;
  }
  types.push_back(type);
  for (const double sum : sums) {
    values.push_back(to_float(sum));
  }
}

double rounding_tolerance(int64_t type) {
  const auto* const known = std::find_if(
      kTolerances.begin(), kTolerances.end(), [&](const Tolerance& t) { return t.type == type; });
  return known == kTolerances.end() ? 0.0 : known->distance;
}

bool agree(const RouterSketch& first, const RouterSketch& second) {
  if (first.empty() || first.types.size() != second.types.size()) {
    return false;
  }
  for (int64_t r = 0; r < std::ssize(first.types); ++r) {
    const double allowed =
        std::hypot(rounding_tolerance(first.types[r]), rounding_tolerance(second.types[r]));
    const float* a = first.values.data() + r * RouterSketch::kWidth;
    const float* b = second.values.data() + r * RouterSketch::kWidth;
    if (!(distance(a, b) <= allowed)) {
      return false;
    }
  }
  return true;
}

bool have_same_routers(const ModelMark& first, const ModelMark& second) {
  return first.fingerprint == second.fingerprint ||
         (first.architecture == second.architecture && agree(first.routers, second.routers));
}

}  // namespace mascing
