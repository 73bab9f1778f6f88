// Whole training runs against PyTorch's: tools/make_nn_fixtures.py starts from the weights, and
// takes the batches in the order, that the seed gives here.
#include <vector>

#include <gtest/gtest.h>

#include "mascing/train.h"
#include "stage/steer_fixtures.h"

namespace mascing {
namespace {

/// Losses of train_surrogate, one an epoch.
std::vector<double> our_losses(const nlohmann::json& run,
                               const nlohmann::json& curve,
                               int64_t n_thread) {
  const TraceSet set = fixture_traces(run);
  TrainOptions options;
  options.n_epoch = static_cast<int64_t>(curve.at("losses").size());
  options.n_batch = curve.at("n_batch");
  options.learning_rate = curve.at("learning_rate");
  options.validation_share = 0.0;
  options.seed = run.at("seed");
  options.n_thread = n_thread;
  std::vector<double> losses;
  for (const EpochReport& epoch : train_surrogate(set, options).report.epochs) {
    losses.push_back(epoch.train_loss);
  }
  return losses;
}

void expect_pytorchs_curve(const nlohmann::json& run,
                           const nlohmann::json& curve,
                           int64_t n_thread) {
  const std::vector<double> expected = nn::numbers(curve.at("losses"));
  const std::vector<double> got = our_losses(run, curve, n_thread);
  ASSERT_EQ(expected.size(), 50U);
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_NEAR(got[0], expected[0], 1e-6);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 1e-4) << "epoch " << i;  // 1e-3 is what is asked for
  }
  EXPECT_LT(got.back(), 0.1 * got.front());
}

TEST(TrainSurrogate, FollowsPyTorchForFiftyEpochsOfWholeAndOfSmallBatches) {
  for (const nlohmann::json& run : nn::read_fixture("training_runs.json")) {
    for (const nlohmann::json& curve : run.at("curves")) {
      for (const int64_t n_thread : {1, 2}) {
        SCOPED_TRACE(run.at("shape").dump() + ", batches of " + curve.at("n_batch").dump() + ", " +
                     std::to_string(n_thread) + " threads");
        expect_pytorchs_curve(run, curve, n_thread);
      }
    }
  }
}

}  // namespace
}  // namespace mascing
