// Several optimisations at once: each as if alone; and what is new beside the paper's way, proximal
// steps and early stopping.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/train.h"
#include "stage/steer_fixtures.h"

namespace mascing {
namespace {

class SteerGrid : public testing::Test {
 protected:
  static int64_t n_active(const SteerResult& result) {
    return std::count_if(
        result.steer.begin(), result.steer.end(), [](float value) { return value != 0.0F; });
  }

  TraceSet set_ = planted_traces(40, 3, 8, {}, 5);
  std::vector<Surrogate> surrogates_ = {random_surrogate(set_, 6), random_surrogate(set_, 7)};
  SteerTraces traces_ = {{0, 1, 2, 3, 5, 7, 9, 11, 13, 14, 16}, {20, 22, 24, 26}};
};

/// Cells that differ in one thing each.
std::vector<SteerCell> mixed_cells() {
  SteerOptions plain;
  plain.n_epoch = 6;
  plain.n_batch = 3;
  std::vector<SteerCell> cells(10, SteerCell{0, plain});
  cells[1].options.lambda = 0.05;
  cells[2].options.n_epoch = 3;
  cells[3].i_surrogate = 1;
  cells[4].options.target = 1;
  cells[5].options.preserve = 0.5;
  cells[6].options.seed = 3;
  cells[7].options.optimizer = SteerOptimizer::kProximal;
  cells[8].options.sigma_rule = SigmaRule::kCalibrated;
  cells[9].options.validation_share = 0.3;
  cells[9].options.n_patience = 2;
  return cells;
}

TEST_F(SteerGrid, GivesEachCellTheBytesItWouldGetAlone) {
  set_.n_expert_used = 2;
  for (const int64_t n_thread : {1, 2}) {
    std::vector<SteerCell> cells = mixed_cells();
    for (SteerCell& cell : cells) {
      cell.options.n_thread = n_thread;
    }
    const std::vector<SteerResult> together =
        optimise_steering_grid(surrogates_, set_, traces_, cells);
    ASSERT_EQ(together.size(), cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      const SteerResult alone =
          optimise_steering(surrogates_[cells[i].i_surrogate], set_, traces_, cells[i].options);
      EXPECT_EQ(together[i].steer, alone.steer) << "cell " << i;
      EXPECT_EQ(together[i].sigma, alone.sigma) << "cell " << i;
      EXPECT_EQ(together[i].flips, alone.flips) << "cell " << i;
      EXPECT_EQ(together[i].best_epoch, alone.best_epoch) << "cell " << i;
      ASSERT_EQ(together[i].epochs.size(), alone.epochs.size()) << "cell " << i;
      EXPECT_EQ(together[i].epochs.back().loss, alone.epochs.back().loss) << "cell " << i;
    }
    EXPECT_NE(together[0].steer, together[3].steer);
    EXPECT_EQ(together[2].epochs.size(), 3U);
    EXPECT_GT(together[0].flips, 0.0);
  }
}

TEST_F(SteerGrid, ReadsOnlyTracesOfTheClassToLeave) {
  SteerOptions options;
  options.n_epoch = 3;
  const SteerResult mixed = optimise_steering(surrogates_[0], set_, traces_, options);
  SteerTraces pure = traces_;
  pure.target = {1, 3, 5, 7, 9, 11, 13};
  EXPECT_EQ(optimise_steering(surrogates_[0], set_, pure, options).epochs[2].loss,
            mixed.epochs[2].loss);
}

TEST_F(SteerGrid, RefusesCellsWithoutASurrogateOrOfAnotherShape) {
  const auto kind = [&](const std::vector<SteerCell>& cells) {
    return error_kind(
        [&] { static_cast<void>(optimise_steering_grid(surrogates_, set_, traces_, cells)); });
  };
  EXPECT_EQ(kind({}), ErrorKind::kUsage);
  EXPECT_EQ(kind({{2, {}}}), ErrorKind::kUsage);
  surrogates_.push_back({{3, 8, 5, 6}, initial_surrogate({3, 8, 5, 6}, 1)});
  EXPECT_EQ(kind({{0, {}}}), ErrorKind::kUsage);
}

TEST_F(SteerGrid, ProximalStepsLeaveTrueZerosWhereThePapersHover) {
  const Plant plant;
  const TraceSet set = planted_traces(300, 3, 16, plant, 4);
  TrainOptions train_options;
  train_options.n_batch = 64;
  const Surrogate surrogate = train_surrogate(set, train_options).surrogate;
  SteerTraces traces;
  for (int64_t i = 1; i < 100; i += 2) {
    traces.target.push_back(i);
  }
  SteerOptions paper;
  paper.lambda = 0.02;
  paper.n_epoch = 150;
  paper.threshold = 0.0;
  SteerOptions proximal = paper;
  proximal.optimizer = SteerOptimizer::kProximal;
  const std::vector<SteerResult> both =
      optimise_steering_grid({surrogate}, set, traces, {{0, paper}, {0, proximal}});
  EXPECT_GT(n_active(both[0]), 40);  // of 48
  EXPECT_LT(n_active(both[1]), 24);
  EXPECT_GT(n_active(both[1]), 0);
  EXPECT_EQ(both[1].epochs.back().n_active, n_active(both[1]));
  EXPECT_LT(both[1].epochs.back().loss, 0.5 * both[1].epochs.front().loss);
  const auto objective = [&](const SteerResult& result) {
    return result.epochs.back().loss + paper.lambda * result.epochs.back().l1;
  };
  EXPECT_LE(objective(both[1]), objective(both[0]));
  const auto largest = std::max_element(both[1].steer.begin(),
                                        both[1].steer.end(),
                                        [](float a, float b) { return std::abs(a) < std::abs(b); });
  EXPECT_EQ(largest - both[1].steer.begin(), plant.i_layer * 16 + plant.i_expert);
}

TEST_F(SteerGrid, ProximalStepsLeaveEverythingAtZeroUnderALargeLambda) {
  SteerOptions options;
  options.lambda = 50.0;
  options.threshold = 0.0;
  options.optimizer = SteerOptimizer::kProximal;
  EXPECT_EQ(optimise_steering(surrogates_[0], set_, traces_, options).steer,
            std::vector<float>(24, 0.0F));
}

TEST_F(SteerGrid, StopsEarlyAndKeepsTheBestMatrix) {
  SteerOptions options;
  options.n_epoch = 400;
  options.validation_share = 0.3;
  options.n_patience = 3;
  options.learning_rate = 0.5;
  const SteerResult result = optimise_steering(surrogates_[0], set_, traces_, options);
  ASSERT_LT(result.epochs.size(), 400U);
  EXPECT_EQ(static_cast<int64_t>(result.epochs.size()), result.best_epoch + 1 + 3);
  for (const SteerEpoch& epoch : result.epochs) {
    EXPECT_GE(epoch.validation_loss, result.epochs[result.best_epoch].validation_loss);
  }
  options.validation_share = 0.0;
  EXPECT_EQ(error_kind([&] {
              static_cast<void>(optimise_steering(surrogates_[0], set_, traces_, options));
            }),
            ErrorKind::kUsage);
}

TEST_F(SteerGrid, NeedsTwoTracesToHoldOneOut) {
  SteerOptions options;
  options.validation_share = 0.3;
  EXPECT_EQ(error_kind([&] {
              static_cast<void>(optimise_steering(surrogates_[0], set_, {{1}, {}}, options));
            }),
            ErrorKind::kInsufficient);
}

}  // namespace
}  // namespace mascing
