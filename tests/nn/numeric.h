// What the numerical tests share: random numbers, central differences and a distance between
// vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "base/random.h"
#include "mascing/surrogate.h"
#include "nn/batch_runner.h"
#include "nn/surrogate_layout.h"

namespace mascing::nn {

template <typename Scalar>
std::vector<Scalar> random_values(int64_t n, uint64_t seed, double scale = 1.0) {
  Rng rng(seed);
  std::vector<Scalar> values(n);
  std::generate(
      values.begin(), values.end(), [&] { return static_cast<Scalar>(scale * rng.normal()); });
  return values;
}

/// Largest difference, relative to the largest entry of `expected`; infinite on NaN or different
/// sizes.
template <typename A, typename B>
double relative_error(const A* got, const B* expected, size_t n) {
  double largest = 1e-30;
  double difference = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (std::isnan(d)) {
      return std::numeric_limits<double>::infinity();
    }
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    difference = std::max(difference, d);
  }
  return difference / largest;
}

template <typename A, typename B>
double relative_error(const std::vector<A>& got, const std::vector<B>& expected) {
  return got.size() == expected.size() ? relative_error(got.data(), expected.data(), got.size())
                                       : std::numeric_limits<double>::infinity();
}

/// Central differences of a scalar function of `values`.
inline std::vector<double> finite_differences(
    std::vector<double> values, const std::function<double(const std::vector<double>&)>& f) {
  constexpr double kStep = 1e-5;
  std::vector<double> d(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double centre = values[i];
    values[i] = centre + kStep;
    const double above = f(values);
    values[i] = centre - kStep;
    d[i] = (above - f(values)) / (2.0 * kStep);
    values[i] = centre;
  }
  return d;
}

/// Sequences of logits with labels, and weights that are not at their initial values.
template <typename Scalar>
struct Problem {
  SurrogateShape shape;
  std::vector<Scalar> values;
  std::vector<std::vector<Scalar>> sequences;  // [T, L, E] each
  std::vector<Scalar> labels;

  [[nodiscard]] Batch<Scalar> batch() const {
    Batch<Scalar> result;
    const int64_t size = shape.n_layer * shape.n_expert;
    for (const std::vector<Scalar>& sequence : sequences) {
      result.lengths.push_back(static_cast<int64_t>(sequence.size()) / size);
    }
    result.reader.load = [this, size](int64_t i_sequence, int64_t i_token, Scalar* z) {
      std::copy_n(sequences[i_sequence].begin() + i_token * size, size, z);
    };
    return result;
  }
};

template <typename Scalar>
Problem<Scalar> random_problem(const SurrogateShape& shape,
                               const std::vector<int64_t>& lengths,
                               uint64_t seed) {
  Problem<Scalar> problem;
  problem.shape = shape;
  const std::vector<float> initial = initial_surrogate(shape, seed);
  const std::vector<Scalar> shift = random_values<Scalar>(surrogate_size(shape), seed + 1, 0.1);
  for (size_t i = 0; i < initial.size(); ++i) {
    problem.values.push_back(static_cast<Scalar>(initial[i]) + shift[i]);
  }
  for (size_t i = 0; i < lengths.size(); ++i) {
    problem.sequences.push_back(
        random_values<Scalar>(lengths[i] * shape.n_layer * shape.n_expert, seed + 2 + i, 1.5));
    problem.labels.push_back(static_cast<Scalar>(i % 3 == 0 ? 0 : 1));
  }
  return problem;
}

/// Logits, loss and the gradient of all parameters by the fast version.
template <typename Scalar>
struct FastResult {
  std::vector<Scalar> logits;
  double loss = 0.0;
  std::vector<Scalar> d_values;
};

template <typename Scalar>
FastResult<Scalar> run_fast(const Problem<Scalar>& problem, int64_t n_thread = 1) {
  FastResult<Scalar> result;
  BatchRunner<Scalar> runner(problem.shape, n_thread);
  runner.set_weights(problem.values.data());
  runner.forward(problem.batch(), result.logits);
  result.loss = runner.train(problem.batch(), problem.labels, result.d_values);
  return result;
}

}  // namespace mascing::nn
