// The surrogate, its gradients, Adam and a training run against PyTorch. Only our side is rounded
// to float: PyTorch computed in double from the same half-precision inputs and float weights.
#include "nn/fixture.h"

#include <gtest/gtest.h>

#include "nn/adam.h"
#include "nn/numeric.h"
#include "nn/reference.h"

namespace mascing::nn {
namespace {

template <typename Scalar>
Problem<Scalar> fixture_problem(const nlohmann::json& fixture) {
  Problem<Scalar> problem;
  problem.shape = fixture_shape(fixture);
  problem.values = fixture.at("values").get<std::vector<Scalar>>();
  problem.sequences = fixture.at("sequences").get<std::vector<std::vector<Scalar>>>();
  problem.labels = fixture.at("labels").get<std::vector<Scalar>>();
  return problem;
}

template <typename Scalar>
void expect_pytorchs_gradients(double tolerance) {
  const nlohmann::json fixture = read_fixture("surrogate.json");
  const Problem<Scalar> problem = fixture_problem<Scalar>(fixture);
  const nlohmann::json& expected = fixture.at("gradients");
  const FastResult<Scalar> got = run_fast(problem);
  EXPECT_LT(relative_error(got.logits, numbers(expected.at("logits"))), tolerance);
  EXPECT_NEAR(got.loss, expected.at("loss").get<double>(), tolerance);
  const std::vector<double> d_values = numbers(expected.at("d_values"));
  ASSERT_EQ(got.d_values.size(), d_values.size());
  for (const TensorSpec& tensor : surrogate_tensors(problem.shape)) {
    EXPECT_LT(
        relative_error(
            got.d_values.data() + tensor.offset, d_values.data() + tensor.offset, tensor.size),
        tolerance)
        << tensor.name;
  }
  const ReferenceResult<double> plain =
      reference_surrogate(problem.shape,
                          std::vector<double>(problem.values.begin(), problem.values.end()),
                          fixture.at("sequences").get<std::vector<std::vector<double>>>(),
                          fixture.at("labels").get<std::vector<double>>());
  for (size_t i = 0; i < plain.d_input.size(); ++i) {
    EXPECT_LT(relative_error(plain.d_input[i], numbers(expected.at("d_input")[i])), 1e-10)
        << "sequence " << i;
  }
}

TEST(PyTorch, GivesTheSameLogitsLossAndGradientsInFloat) {
  expect_pytorchs_gradients<float>(1e-5);
}

TEST(PyTorch, GivesTheSameLogitsLossAndGradientsInDouble) {
  expect_pytorchs_gradients<double>(1e-10);
}

TEST(PyTorch, TakesTheSameAdamSteps) {
  const nlohmann::json fixture = read_fixture("surrogate.json").at("adam");
  std::vector<float> values = fixture.at("start").get<std::vector<float>>();
  Adam<float> adam(static_cast<int64_t>(values.size()),
                   {.learning_rate = fixture.at("learning_rate").get<double>()});
  for (size_t i = 0; i < fixture.at("gradients").size(); ++i) {
    adam.step(fixture.at("gradients")[i].get<std::vector<float>>().data(), values.data());
    EXPECT_LT(relative_error(values, numbers(fixture.at("values")[i])), 1e-6) << "step " << i;
  }
}

TEST(PyTorch, FollowsTheSameTrainingCurve) {
  const nlohmann::json fixture = read_fixture("surrogate.json");
  const nlohmann::json& curve = fixture.at("train_curve");
  Problem<float> problem = fixture_problem<float>(fixture);
  BatchRunner<float> runner(problem.shape, 2);
  Adam<float> adam(surrogate_size(problem.shape),
                   {.learning_rate = curve.at("learning_rate").get<double>()});
  std::vector<float> d_values;
  const std::vector<double> losses = numbers(curve.at("losses"));
  ASSERT_EQ(losses.size(), 50U);
  for (size_t i = 0; i < losses.size(); ++i) {
    runner.set_weights(problem.values.data());
    EXPECT_NEAR(runner.train(problem.batch(), problem.labels, d_values), losses[i], 1e-3)
        << "step " << i;
    adam.step(d_values.data(), problem.values.data());
  }
  EXPECT_LT(losses.back(), 0.5 * losses.front());
}

}  // namespace
}  // namespace mascing::nn
