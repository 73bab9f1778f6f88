// Optimising the steering matrix: PyTorch's curve, the zero start, the planted expert, the baseline
// and what is refused.
#include "mascing/steer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/train.h"
#include "stage/steer_fixtures.h"
#include "stage/steer_objective.h"

namespace mascing {
namespace {

using nn::relative_error;

TEST(PyTorch, FollowsTheSameSteeringCurve) {
  const nlohmann::json fixture = nn::read_fixture("surrogate.json");
  const nlohmann::json& curve = fixture.at("steer_curve");
  SteerOptions options;
  options.target = curve.at("target");
  options.learning_rate = curve.at("learning_rate");
  options.lambda = curve.at("lambda");
  options.preserve = curve.at("preserve");
  options.n_epoch = curve.at("n_epoch");
  options.threshold = 0.0;
  const SteerResult result =
      optimise_steering(fixture_surrogate(fixture),
                        fixture_traces(fixture),
                        {curve.at("target_traces").get<std::vector<int64_t>>(),
                         curve.at("preserve_traces").get<std::vector<int64_t>>()},
                        options);
  ASSERT_EQ(result.epochs.size(), curve.at("losses").size());
  for (size_t i = 0; i < result.epochs.size(); ++i) {
    EXPECT_NEAR(result.epochs[i].loss, curve.at("losses")[i].get<double>(), 1e-4) << i;
    EXPECT_NEAR(result.epochs[i].preserve, curve.at("divergences")[i].get<double>(), 1e-4) << i;
  }
  EXPECT_LT(relative_error(result.steer, nn::numbers(curve.at("steer"))), 1e-3);
}

/// Adam moves every entry alike at first; it takes some steps under the L1 term until only what
/// matters is left.
SteerOptions sparse_options(SigmaRule rule, int target) {
  SteerOptions options;
  options.target = target;
  options.sigma_rule = rule;
  options.lambda = 0.05;
  options.n_epoch = 150;
  return options;
}

class PlantedSteering : public testing::TestWithParam<SigmaRule> {};

TEST_P(PlantedSteering, FindsThePlantedExpertWithTheRightSign) {
  const Plant plant;
  const int64_t n_expert = 16;
  const TraceSet set = planted_traces(300, 3, n_expert, plant, 4);
  TrainOptions train_options;
  train_options.n_batch = 64;
  const TrainResult fit = train_surrogate(set, train_options);
  EXPECT_GT(fit.report.validation_accuracy, 0.95);
  for (const int target : {0, 1}) {
    SteerTraces traces;
    for (int64_t i = 1 - target; i < 100; i += 2) {  // odd traces have label 1
      traces.target.push_back(i);
    }
    const SteerResult result =
        optimise_steering(fit.surrogate, set, traces, sparse_options(GetParam(), target));
    const auto largest =
        std::max_element(result.steer.begin(), result.steer.end(), [](float a, float b) {
          return std::abs(a) < std::abs(b);
        });
    EXPECT_EQ(largest - result.steer.begin(), plant.i_layer * n_expert + plant.i_expert);
    EXPECT_EQ(*largest > 0.0F, target == 1);
    EXPECT_LT(result.epochs.back().loss, 0.1 * result.epochs.front().loss);
    EXPECT_LT(
        std::count_if(
            result.steer.begin(), result.steer.end(), [](float value) { return value != 0.0F; }),
        3 * n_expert / 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules,
                         PlantedSteering,
                         testing::Values(SigmaRule::kToken,
                                         SigmaRule::kCalibrated,
                                         SigmaRule::kBatch));

class SteerRun : public testing::Test {
 protected:
  [[nodiscard]] SteerResult run(const SteerOptions& options) const {
    return optimise_steering(surrogate_, set_, traces_, options);
  }

  TraceSet set_ = planted_traces(30, 3, 8, {}, 5);
  Surrogate surrogate_ = random_surrogate(set_, 6);
  SteerTraces traces_ = {{1, 3, 5, 7, 9, 11, 13}, {0, 2, 4, 6, 8}};
};

TEST_F(SteerRun, StartsFromTheUnsteeredLoss) {
  SteerOptions options;
  options.lambda = 0.0;
  options.n_epoch = 1;
  const std::vector<float> probabilities = predict(surrogate_, set_);
  double loss = 0.0;
  for (int64_t i_trace : traces_.target) {
    loss -= std::log1p(-static_cast<double>(probabilities[i_trace])) / 7.0;
  }
  EXPECT_NEAR(run(options).epochs[0].loss, loss, 1e-6);
}

TEST_F(SteerRun, GivesTheUnsteeredLossForAZeroMatrixAndForADifferenceOfEqualOnes) {
  SteerObjective<float> objective({surrogate_}, set_, {}, 1);
  const std::vector<float> steer = nn::random_values<float>(24, 9);
  std::vector<float> difference(24);
  std::transform(
      steer.begin(), steer.end(), steer.begin(), difference.begin(), std::minus<float>());
  const std::vector<float> zero(24, 0.0F);
  const auto loss = [&](const std::vector<float>& at) {
    return objective.losses(traces_.target, {{0, 0, at.data()}})[0];
  };
  EXPECT_EQ(loss(difference), loss(zero));
  EXPECT_NE(loss(steer), loss(zero));
}

TEST_F(SteerRun, LeavesEverythingAtZeroUnderALargeThreshold) {
  SteerOptions options;
  options.threshold = 1e6;
  EXPECT_EQ(run(options).steer, std::vector<float>(24, 0.0F));
}

TEST_F(SteerRun, LeavesNoEntryAtOrBelowTheThreshold) {
  SteerOptions options;
  options.threshold = 0.2;
  options.n_epoch = 10;
  int64_t n_zero = 0;
  for (float value : run(options).steer) {
    EXPECT_TRUE(value == 0.0F || std::abs(value) > 0.2F);
    n_zero += value == 0.0F ? 1 : 0;
  }
  EXPECT_GT(n_zero, 0);
}

TEST_F(SteerRun, LeavesUntouchedWhatTheSurrogateDoesNotRead) {
  const SurrogateView<float> weights(surrogate_.shape, surrogate_.values.data());
  const int64_t n_x = surrogate_.shape.n_layer * surrogate_.shape.n_proj;
  for (int64_t k = 0; k < 4 * surrogate_.shape.n_hidden; ++k) {
    std::fill_n(weights.lstm_weight_ih + k * n_x, surrogate_.shape.n_proj, 0.0F);  // layer 0
  }
  SteerOptions options;
  options.threshold = 0.0;
  const SteerResult result = run(options);
  for (int64_t e = 0; e < 8; ++e) {
    EXPECT_EQ(result.steer[e], 0.0F);
    EXPECT_NE(result.steer[8 + e], 0.0F);
  }
}

TEST_F(SteerRun, IsReproducibleForEachThreadCountAndAgreesBetweenThem) {
  SteerOptions options;
  options.n_batch = 3;
  options.preserve = 0.5;
  options.n_epoch = 5;
  SteerOptions two = options;
  two.n_thread = 2;
  const SteerResult by_one = run(options);
  const SteerResult by_two = run(two);
  EXPECT_EQ(by_one.steer, run(options).steer);
  EXPECT_EQ(by_two.steer, run(two).steer);
  EXPECT_LT(relative_error(by_two.steer, by_one.steer), 1e-4);
  options.seed = 1;
  EXPECT_NE(by_one.steer, run(options).steer);
}

TEST_F(SteerRun, StaysNearerToTheRoutingOfThePreserveTracesWhenAsked) {
  SteerOptions options;
  options.preserve = 1e-9;
  const SteerResult free = run(options);
  options.preserve = 10.0;
  const SteerResult bound = run(options);
  EXPECT_EQ(free.epochs[0].preserve, 0.0);
  EXPECT_GT(free.epochs.back().preserve, 2.0 * bound.epochs.back().preserve);
}

TEST_F(SteerRun, ReportsEachEpochAndStopsOnRequest) {
  int64_t n_report = 0;
  EXPECT_EQ(error_kind([&] {
              static_cast<void>(
                  optimise_steering(surrogate_, set_, traces_, {}, [&](const ProgressEvent& event) {
                    EXPECT_EQ(event.stage, "steer");
                    return ++n_report < 2;
                  }));
            }),
            ErrorKind::kInterrupted);
  EXPECT_EQ(n_report, 2);
}

TEST_F(SteerRun, RefusesWhatCannotBeSteered) {
  const auto kind = [&](const SteerTraces& traces, const SteerOptions& options = {}) {
    return error_kind(
        [&] { static_cast<void>(optimise_steering(surrogate_, set_, traces, options)); });
  };
  EXPECT_EQ(kind({}), ErrorKind::kInsufficient);
  EXPECT_EQ(kind({{30}, {}}), ErrorKind::kUsage);
  EXPECT_EQ(kind({{1}, {-1}}), ErrorKind::kUsage);
  SteerOptions options;
  options.target = 2;
  EXPECT_EQ(kind({{1}, {}}, options), ErrorKind::kUsage);
  options = {};
  options.learning_rate = 1e38;
  EXPECT_EQ(kind({{1}, {}}, options), ErrorKind::kBadInput);
  surrogate_ = random_surrogate(planted_traces(2, 2, 8, {}, 1), 1);
  EXPECT_EQ(kind({{1}, {}}), ErrorKind::kMismatch);
}

TEST_F(SteerRun, RefusesNaNInATrace) {
  TraceSetBuilder builder(3, 8);
  builder.add(1, std::vector<float>(24, std::numeric_limits<float>::quiet_NaN()));
  const TraceSet set = builder.build();
  EXPECT_EQ(error_kind([&] {
              static_cast<void>(optimise_steering(surrogate_, set, {{0}, {}}, {}));
            }),
            ErrorKind::kBadInput);
}

/// A trace of n_token equal tokens [1, 2].
std::vector<float> pairs(int64_t n_token, float a, float b) {
  std::vector<float> z;
  for (int64_t i = 0; i < n_token; ++i) {
    z.push_back(a);
    z.push_back(b);
  }
  return z;
}

TEST(CalibrateSigma, WeighsConversationsNotTokens) {
  TraceSetBuilder builder(1, 2);
  builder.add(1, pairs(1, 0.0F, 2.0F)).add(0, pairs(9, 0.0F, 6.0F));
  EXPECT_THAT(calibrate_sigma(builder.build(), {0, 1}), testing::ElementsAre(2.0F));
  EXPECT_THAT(calibrate_sigma(builder.build(), {1}), testing::ElementsAre(3.0F));
  EXPECT_EQ(error_kind([&] { static_cast<void>(calibrate_sigma(builder.build(), {})); }),
            ErrorKind::kInsufficient);
}

TEST(MeanDifference, PointsFromTheOtherClassToTheTargetWithTheAskedNorm) {
  const Plant plant;
  const TraceSet set = planted_traces(200, 3, 8, plant, 7);
  const SteerResult result = mean_difference(set, 0, 2.0, 0.0);
  double square = 0.0;
  for (float value : result.steer) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(std::sqrt(square), 2.0, 1e-5);
  EXPECT_LT(result.steer[plant.i_layer * 8 + plant.i_expert], -1.8F);
  EXPECT_EQ(result.sigma.size(), 3U);
}

TEST(MeanDifference, ChangesItsSignWithTheTarget) {
  const TraceSet set = planted_traces(50, 3, 8, {}, 8);
  const std::vector<float> there = mean_difference(set, 0, 1.0, 0.05).steer;
  const std::vector<float> back = mean_difference(set, 1, 1.0, 0.05).steer;
  for (size_t i = 0; i < there.size(); ++i) {
    EXPECT_EQ(there[i] + back[i], 0.0F);
  }
}

TEST(MeanDifference, IsZeroForClassesThatDoNotDiffer) {
  TraceSetBuilder builder(1, 2);
  builder.add(1, pairs(1, 0.0F, 2.0F)).add(0, pairs(3, 0.0F, 2.0F));
  EXPECT_EQ(mean_difference(builder.build(), 0, 1.0, 0.0).steer, std::vector<float>(2, 0.0F));
}

TEST(MeanDifference, RefusesASingleClass) {
  TraceSetBuilder builder(1, 2);
  builder.add(1, pairs(1, 0.0F, 2.0F));
  const TraceSet set = builder.build();
  EXPECT_EQ(error_kind([&] { static_cast<void>(mean_difference(set, 0, 1.0, 0.0)); }),
            ErrorKind::kInsufficient);
}

}  // namespace
}  // namespace mascing
