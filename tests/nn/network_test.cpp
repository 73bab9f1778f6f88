// The whole surrogate: gradients against central differences, the fast version against the plain
// loops, and that sequences of a batch do not influence each other.
#include <gtest/gtest.h>

#include "nn/loss.h"
#include "nn/numeric.h"
#include "nn/prepared_weights.h"
#include "nn/reference.h"

namespace mascing::nn {
namespace {

constexpr SurrogateShape kShape = {3, 5, 2, 4};

/// Compares tensor by tensor, so that small gradients are not hidden behind large ones.
template <typename A, typename B>
void expect_near_by_tensor(const SurrogateShape& shape,
                           const std::vector<A>& got,
                           const std::vector<B>& expected,
                           double tolerance) {
  for (const TensorSpec& tensor : surrogate_tensors(shape)) {
    EXPECT_LT(
        relative_error(got.data() + tensor.offset, expected.data() + tensor.offset, tensor.size),
        tolerance)
        << tensor.name;
  }
}

template <typename Scalar>
void expect_same_result(const Problem<Scalar>& problem, double tolerance) {
  const FastResult<Scalar> fast = run_fast(problem);
  const ReferenceResult<Scalar> plain =
      reference_surrogate(problem.shape, problem.values, problem.sequences, problem.labels);
  EXPECT_LT(relative_error(fast.logits, plain.logits), tolerance);
  EXPECT_NEAR(fast.loss, plain.loss, tolerance);
  expect_near_by_tensor(problem.shape, fast.d_values, plain.d_values, tolerance);
}

TEST(SurrogateBackward, MatchesFiniteDifferencesInAllParameters) {
  const Problem<double> problem = random_problem<double>(kShape, {4, 1, 6, 2}, 1);
  const std::vector<double> expected =
      finite_differences(problem.values, [&](const std::vector<double>& at) {
        Problem<double> moved = problem;
        moved.values = at;
        return run_fast(moved).loss;
      });
  expect_near_by_tensor(kShape, run_fast(problem).d_values, expected, 1e-6);
}

TEST(SurrogateBackward, MatchesFiniteDifferencesWhereTheProjectionIsFoldedAway) {
  const SurrogateShape shape = {3, 4, 5, 4};  // fewer experts than the projection is wide
  const Problem<double> problem = random_problem<double>(shape, {4, 1, 6, 2}, 2);
  ASSERT_TRUE(PreparedWeights<double>(shape).is_folded());
  ASSERT_FALSE(PreparedWeights<double>(kShape).is_folded());
  const std::vector<double> expected =
      finite_differences(problem.values, [&](const std::vector<double>& at) {
        Problem<double> moved = problem;
        moved.values = at;
        return run_fast(moved).loss;
      });
  expect_near_by_tensor(shape, run_fast(problem).d_values, expected, 1e-6);
}

TEST(SurrogateReference, MatchesFiniteDifferencesItself) {
  const Problem<double> problem = random_problem<double>(kShape, {3, 1}, 3);
  const auto run = [&](const std::vector<double>& values) {
    return reference_surrogate(kShape, values, problem.sequences, problem.labels);
  };
  const std::vector<double> expected = finite_differences(
      problem.values, [&](const std::vector<double>& at) { return run(at).loss; });
  expect_near_by_tensor(kShape, run(problem.values).d_values, expected, 1e-6);
}

TEST(SurrogateReference, MatchesFiniteDifferencesInTheLogits) {
  const Problem<double> problem = random_problem<double>(kShape, {4, 1, 3}, 15);
  const auto run = [&](const std::vector<std::vector<double>>& sequences) {
    return reference_surrogate(kShape, problem.values, sequences, problem.labels);
  };
  for (size_t i = 0; i < problem.sequences.size(); ++i) {
    const std::vector<double> expected =
        finite_differences(problem.sequences[i], [&](const std::vector<double>& at) {
          std::vector<std::vector<double>> moved = problem.sequences;
          moved[i] = at;
          return run(moved).loss;
        });
    EXPECT_LT(relative_error(run(problem.sequences).d_input[i], expected), 1e-6)
        << "sequence " << i;
  }
}

TEST(FastSurrogate, EqualsThePlainLoopsInDouble) {
  expect_same_result(random_problem<double>(kShape, {4, 1, 6, 2, 6}, 4), 1e-11);
}

TEST(FastSurrogate, EqualsThePlainLoopsInFloat) {
  expect_same_result(random_problem<float>({4, 32, 16, 20}, {4, 1, 6, 2, 6, 17}, 5), 2e-5);
}

TEST(FastSurrogate, EqualsThePlainLoopsWhereABatchSpansSeveralBlocks) {
  expect_same_result(random_problem<double>({2, 5, 3, 3}, {30, 1, 70, 64}, 6), 1e-10);
}

TEST(FastSurrogate, EqualsThePlainLoopsWithAFoldedProjection) {
  expect_same_result(random_problem<double>({5, 8, 16, 7}, {4, 1, 6, 2, 6}, 16), 1e-10);
  expect_same_result(random_problem<double>({3, 16, 16, 64}, {4, 1, 6, 2, 6}, 17), 1e-10);
  expect_same_result(random_problem<float>({3, 8, 16, 64}, {4, 1, 6, 2, 6}, 18), 2e-5);
}

TEST(FastSurrogate, EqualsThePlainLoopsAtTheShapesOfRealRouters) {
  expect_same_result(random_problem<double>({6, 128, 16, 64}, {9, 1, 17, 8}, 19), 1e-9);
  expect_same_result(random_problem<double>({4, 60, 16, 64}, {9, 1, 17, 8}, 20), 1e-9);
}

TEST(FastSurrogate, EqualsThePlainLoopsWhereABatchSpansSeveralPieces) {
  expect_same_result(random_problem<double>({1, 3, 2, 2}, {5000, 4000, 10, 6000}, 7), 1e-9);
}

TEST(FastSurrogate, TakesSequencesOfOneTokenOnly) {
  expect_same_result(random_problem<double>(kShape, {1, 1, 1}, 8), 1e-11);
  expect_same_result(random_problem<double>(kShape, {1}, 9), 1e-11);
}

TEST(FastSurrogate, TakesTheSmallestShape) {
  expect_same_result(random_problem<double>({1, 2, 1, 1}, {2, 1}, 10), 1e-11);
}

TEST(FastSurrogate, GivesASequenceTheSameLogitWhateverElseIsInTheBatch) {
  const Problem<float> together =
      random_problem<float>({4, 16, 16, 64}, {9, 1, 30, 4, 12, 12, 2}, 11);
  const FastResult<float> all = run_fast(together);
  for (size_t i = 0; i < together.sequences.size(); ++i) {
    Problem<float> alone = together;
    alone.sequences = {together.sequences[i]};
    alone.labels = {together.labels[i]};
    EXPECT_NEAR(run_fast(alone).logits[0], all.logits[i], 1e-6) << "sequence " << i;
  }
}

TEST(FastSurrogate, IsReproducibleForEachThreadCountAndAgreesBetweenThem) {
  const Problem<float> problem =
      random_problem<float>({4, 16, 16, 64}, {9, 1, 30, 4, 12, 12, 2}, 12);
  const FastResult<float> one = run_fast(problem, 1);
  for (const int64_t n_thread : {1, 2, 3, 16}) {
    const FastResult<float> first = run_fast(problem, n_thread);
    const FastResult<float> second = run_fast(problem, n_thread);
    EXPECT_EQ(first.loss, second.loss);
    EXPECT_EQ(first.d_values, second.d_values);
    EXPECT_NEAR(first.loss, one.loss, 1e-6);
    EXPECT_LT(relative_error(first.d_values, one.d_values), 1e-4);
  }
}

TEST(FastSurrogate, GoesBackFromAnyDerivativeByTheLogits) {
  const Problem<double> problem = random_problem<double>(kShape, {4, 1, 6, 2, 3}, 15);
  for (const int64_t n_thread : {1, 2}) {
    BatchRunner<double> runner(kShape, n_thread);
    runner.set_weights(problem.values.data());
    std::vector<double> expected;
    static_cast<void>(runner.train(problem.batch(), problem.labels, expected));
    std::vector<double> logits;
    runner.forward(problem.batch(), logits);
    std::vector<double> d_logits;
    for (size_t i = 0; i < logits.size(); ++i) {
      d_logits.push_back(d_bce_with_logits(logits[i], problem.labels[i]) /
                         static_cast<double>(logits.size()));
    }
    std::vector<double> d_values;
    runner.backward(problem.batch(), d_logits, d_values);
    EXPECT_EQ(d_values, expected) << n_thread << " threads";
  }
}

TEST(FastSurrogate, ReusesItsWorkspacesWithoutATrace) {
  const Problem<float> small = random_problem<float>(kShape, {2, 1}, 13);
  Problem<float> large = random_problem<float>(kShape, {5, 9, 1, 1, 7}, 14);
  large.values = small.values;
  BatchRunner<float> runner(kShape, 1);
  runner.set_weights(small.values.data());
  std::vector<float> before;
  std::vector<float> after;
  static_cast<void>(runner.train(small.batch(), small.labels, before));
  static_cast<void>(runner.train(large.batch(), large.labels, after));
  static_cast<void>(runner.train(small.batch(), small.labels, after));
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace mascing::nn
