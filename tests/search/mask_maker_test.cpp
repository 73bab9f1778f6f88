// Surrogates, their cross-validation and their masks as a run keeps them: a grid in one go, what
// was computed found again, and bytes that do not depend on where an earlier run was stopped.
#include "search/mask_maker.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "mascing/error.h"
#include "search/loop_masks.h"
#include "search/mask_search.h"
#include "stage/numeric_traces.h"

namespace mascing {
namespace {

class MaskMakerTest : public testing::Test {
 protected:
  MaskMakerTest() {
    scenario_.name = "tiny";
    scenario_.train.n_proj = 4;
    scenario_.train.n_hidden = 4;
    scenario_.train.n_epoch = 6;
    scenario_.train.n_batch = 16;
    scenario_.search.seeds = {0, 1, 2};
    traces_.architecture = "qwen3moe";
    traces_.fingerprint = "f00d";
    traces_.n_expert_used = 2;
    for (size_t i = 30; i < traces_.traces.size(); ++i) {
      traces_.traces[i].label = -1;
    }
  }

  [[nodiscard]] MaskMaker maker(const std::string& folder) const {
    return {traces_, scenario_, 1, folder_.path(folder)};
  }
  [[nodiscard]] static std::vector<Trained> two_trained(const MaskMaker& maker) {
    return {maker.train(0, {}), maker.train(1, {})};
  }
  /// Two surrogates, two lambdas, two lengths.
  [[nodiscard]] static std::vector<SteerCell> grid() {
    std::vector<SteerCell> cells;
    for (const int64_t i_surrogate : {0, 1}) {
      for (const double lambda : {1e-3, 0.05}) {
        for (const int64_t n_epoch : {3, 6}) {
          cells.push_back({i_surrogate, {}});
          cells.back().options.lambda = lambda;
          cells.back().options.n_epoch = n_epoch;
          cells.back().options.threshold = 0.0;
        }
      }
    }
    return cells;
  }
  /// File name -> content.
  [[nodiscard]] std::map<std::string, std::string> files(const std::string& folder) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path(folder))) {
      found[entry.path().filename().string()] = read_text_file(entry.path().string());
    }
    return found;
  }
  void remove(const std::string& folder, const std::string& name) const {
    ASSERT_TRUE(std::filesystem::remove(folder_.path(folder + "/" + name)));
  }

  TemporaryFolder folder_;
  Scenario scenario_;
  TraceSet traces_ = planted_traces(36, 3, 8, {}, 3);
};

TEST_F(MaskMakerTest, AGridGivesEveryMaskTheBytesItGetsAlone) {
  const MaskMaker together = maker("together");
  const MaskMaker alone = maker("alone");
  const auto masks = together.steer(two_trained(together), grid(), {});
  ASSERT_EQ(masks.size(), 8U);
  for (size_t i = 0; i < masks.size(); ++i) {
    const auto mask = alone.steer(two_trained(alone), {grid()[i]}, {}).front();
    EXPECT_EQ(masks[i]->steer, mask->steer) << "cell " << i;
    EXPECT_EQ(masks[i]->seed, i < 4 ? 0U : 1U);
    EXPECT_FLOAT_EQ(masks[i]->lambda, i / 2 % 2 == 0 ? 1e-3F : 0.05F);
    EXPECT_GT(mask->n_active(), 0);
  }
  EXPECT_NE(masks[0]->steer, masks[1]->steer);
  EXPECT_NE(masks[0]->steer, masks[2]->steer);
  EXPECT_NE(masks[0]->steer, masks[4]->steer);
  EXPECT_EQ(files("together"), files("alone"));
  EXPECT_EQ(files("together").size(), 10U);
}

TEST_F(MaskMakerTest, OnlyWhatIsMissingIsMadeAgainToTheSameBytes) {
  const MaskMaker first = maker("out");
  static_cast<void>(first.steer(two_trained(first), grid(), {}));
  const auto whole = files("out");
  int64_t n_event = 0;
  const Progress count = [&](const ProgressEvent&) { return ++n_event > 0; };
  const MaskMaker second = maker("out");
  static_cast<void>(second.steer({second.train(0, count), second.train(1, count)}, grid(), count));
  EXPECT_EQ(n_event, 0);
  std::string lost;
  for (const auto& [name, bytes] : whole) {
    lost = name.ends_with(".gguf") && name.find("-e3-") != std::string::npos ? name : lost;
  }
  remove("out", lost);
  static_cast<void>(second.steer(two_trained(second), grid(), count));
  EXPECT_EQ(n_event, 3);  // the epochs of the one that was lost
  EXPECT_EQ(files("out"), whole);
}

TEST_F(MaskMakerTest, AStoppedGridGoesOnToTheSameBytes) {
  const MaskMaker whole = maker("whole");
  static_cast<void>(whole.steer(two_trained(whole), grid(), {}));
  const MaskMaker stopped = maker("stopped");
  int n_left = 4;
  const Progress stop = [&](const ProgressEvent&) { return n_left-- > 0; };
  EXPECT_THROW(static_cast<void>(stopped.steer(two_trained(stopped), grid(), stop)), Error);
  EXPECT_EQ(files("stopped").size(), 2U);  // the surrogates
  static_cast<void>(stopped.steer(two_trained(stopped), grid(), {}));
  EXPECT_EQ(files("stopped"), files("whole"));
}

TEST_F(MaskMakerTest, CrossValidationIsKept) {
  const MaskMaker first = maker("out");
  const Trained trained = first.train(0, {});
  const CrossValidated validated = first.cross_validate(trained, {});
  EXPECT_EQ(validated.result.n_fold, 5);
  EXPECT_LE(validated.result.low, validated.result.auc);
  EXPECT_GE(validated.result.high, validated.result.auc);
  const auto whole = files("out");
  int64_t n_event = 0;
  const Progress count = [&](const ProgressEvent&) { return ++n_event > 0; };
  const CrossValidated again = maker("out").cross_validate(trained, count);
  EXPECT_EQ(n_event, 0);
  EXPECT_EQ(again.result.auc, validated.result.auc);
  EXPECT_EQ(again.result.saturated_share, validated.result.saturated_share);
  EXPECT_EQ(again.warnings.size(), validated.warnings.size());
  for (const auto& [name, bytes] : whole) {
    if (name.starts_with("validation-")) {
      write_file_atomically(folder_.path("out/" + name), bytes.substr(0, bytes.size() / 2));
    }
  }
  static_cast<void>(maker("out").cross_validate(trained, count));
  EXPECT_EQ(n_event, 5);  // the folds
  EXPECT_EQ(files("out"), whole);
}

TEST_F(MaskMakerTest, FewConversationsGiveFewerFoldsOrNone) {
  for (const int64_t n_positive : {3, 1}) {
    int64_t n_seen = 0;
    TraceSet few = traces_;
    std::erase_if(few.traces, [&](const TraceView& trace) {
      return trace.label == 1 && ++n_seen > n_positive;
    });
    scenario_.train.validation_share = 0.0;
    const MaskMaker made(few, scenario_, 1, folder_.path("few"));
    const CrossValidated validated = made.cross_validate(made.train(0, {}), {});
    EXPECT_EQ(validated.result.n_fold, n_positive == 3 ? 3 : 0);
    EXPECT_EQ(validated.warnings.empty(), n_positive == 1);
  }
}

/// The labelled traces as a target set.
CandidateSet candidates_of(TraceSet traces, Scenario scenario, const std::string& folder) {
  for (TraceView& trace : traces.traces) {
    trace.set = trace.label < 0 ? "benign" : "dsr";
  }
  ScenarioSet target;
  target.metric = "dsr";
  target.role = SetRole::kTarget;
  scenario.sets = {target};
  scenario.search.methods = {MaskMethod::kSurrogate};
  scenario.search.guards = {0.0};
  scenario.search.epochs = {3, 6};
  scenario.search.lambdas = {1e-3, 0.05};
  return build_candidates(traces, scenario, {}, {7, 1, folder}, {});
}

TEST_F(MaskMakerTest, CandidatesComeInTheOrderOfSeedsLambdasAndEpochs) {
  const CandidateSet built = candidates_of(traces_, scenario_, folder_.path("out"));
  ASSERT_EQ(built.candidates.size(), 12U);
  for (size_t i = 0; i < built.candidates.size(); ++i) {
    EXPECT_EQ(built.candidates[i].mask->seed, 7 + i / 4);
    EXPECT_FLOAT_EQ(built.candidates[i].mask->lambda, i / 2 % 2 == 0 ? 1e-3F : 0.05F);
    EXPECT_EQ(built.candidates[i].epochs, i % 2 == 0 ? 3 : 6);
  }
  ASSERT_EQ(built.surrogates.size(), 3U);
  for (const SurrogateResult& surrogate : built.surrogates) {
    EXPECT_EQ(surrogate.cross_validation.n_fold, 5);
  }
}

TEST_F(MaskMakerTest, WarningsOfCrossValidationAreSaidOnceAndNameTheSurrogate) {
  TraceSet noise = planted_traces(36, 3, 8, {1, 5, 0.0}, 4);
  noise.architecture = traces_.architecture;
  noise.fingerprint = traces_.fingerprint;
  const CandidateSet built = candidates_of(noise, scenario_, folder_.path("out"));
  int64_t n_said = 0;
  for (const Warning& warning : built.warnings) {
    n_said += warning.id == "surrogate_at_chance" ? 1 : 0;
    EXPECT_THAT(warning.text, testing::HasSubstr("surrogate seed"));
  }
  EXPECT_EQ(n_said, 1);
}

TEST_F(MaskMakerTest, ASurrogateThatIsTooSureIsWarnedOf) {
  TraceSet easy = planted_traces(60, 3, 8, {1, 5, 8.0}, 5);
  easy.architecture = traces_.architecture;
  easy.fingerprint = traces_.fingerprint;
  scenario_.train.n_epoch = 150;
  scenario_.train.n_hidden = 16;
  scenario_.search.seeds = {0};
  const CandidateSet built = candidates_of(easy, scenario_, folder_.path("out"));
  EXPECT_THAT(warning_ids(built.warnings), testing::Contains("surrogate_saturated"));
  EXPECT_GT(built.surrogates.front().cross_validation.saturated_share, 0.9);
}

/// 40 conversations of a hold set, whose logits are `scale` times as large as the target's.
TraceSet hold_traces(double scale) {
  Rng rng(9);
  TraceSetBuilder builder(3, 8);
  for (int i = 0; i < 40; ++i) {
    std::vector<float> z(5 * 3 * 8);
    for (size_t k = 0; k < z.size(); ++k) {
      const double shift = k % 24 == 2 ? (i % 2 == 1 ? 1.5 : -1.5) : 0.0;
      z[k] = static_cast<float>(scale * (rng.normal() + shift));
    }
    builder.add(i % 2, z, std::string("topic ").append(std::to_string(i / 6)));
  }
  TraceSet set = builder.build();
  for (TraceView& trace : set.traces) {
    trace.set = "hold";
  }
  return set;
}

// Each set's mask counts in its own sigma; the sum has the target's.
TEST_F(MaskMakerTest, GuardsPushAsFarAsTheyDoAlone) {
  constexpr double kWeight = 0.5;
  std::erase_if(traces_.traces, [](const TraceView& trace) { return trace.label < 0; });
  for (TraceView& trace : traces_.traces) {
    trace.set = "dsr";
  }
  const TraceSet hold = hold_traces(4.0);
  const SteerResult target = mean_difference(traces_, 0, 2.0, 0.0);
  const SteerResult guard = mean_difference(hold, 0, 2.0, 0.0);
  ASSERT_GT(guard.sigma[0], 3.0F * target.sigma[0]);
  TraceSet both = traces_;
  both.traces.insert(both.traces.end(), hold.traces.begin(), hold.traces.end());
  scenario_.sets.resize(2);
  scenario_.sets[0].metric = "dsr";
  scenario_.sets[0].role = SetRole::kTarget;
  scenario_.sets[1].metric = "hold";
  scenario_.sets[1].role = SetRole::kHold;
  scenario_.search.methods = {MaskMethod::kMeanDifference};
  scenario_.search.mean_difference_norm = 2.0;
  scenario_.search.guards = {0.0, kWeight};
  scenario_.steer.threshold = 0.0;
  for (const SigmaRule rule : {SigmaRule::kCalibrated, SigmaRule::kToken}) {
    scenario_.steer.sigma_rule = rule;
    const CandidateSet built =
        build_candidates(both, scenario_, {}, {7, 1, folder_.path("out")}, {});
    ASSERT_EQ(built.candidates.size(), 2U);
    EXPECT_EQ(built.candidates[0].mask->steer, target.steer);
    const Mask& sum = *built.candidates[1].mask;
    EXPECT_EQ(sum.method, "mean_difference+guard");
    EXPECT_EQ(built.candidates[1].guard, kWeight);
    EXPECT_EQ(sum.sigma, target.sigma);
    for (size_t i = 0; i < sum.steer.size(); ++i) {
      const size_t l = i / 8;
      const bool is_calibrated = rule == SigmaRule::kCalibrated;  // else a token's own sigma counts
      const double of_sum = is_calibrated ? sum.sigma[l] : 1.0;
      const double of_target = is_calibrated ? target.sigma[l] : 1.0;
      const double of_guard = is_calibrated ? guard.sigma[l] : 1.0;
      EXPECT_NEAR(of_sum * sum.steer[i],
                  of_target * target.steer[i] + kWeight * of_guard * guard.steer[i],
                  1e-4)
          << to_string(rule) << " " << i;
    }
  }
}

TEST(LoopMasks, KeepTheAdaptersLoopBesideThatOfTheMatrix) {
  LoopResult adapter;
  adapter.method = "router_adapter";
  adapter.steps.resize(3);
  LoopMasks alone;
  keep_adapter_loop(adapter, alone);
  EXPECT_EQ(alone.loop.method, "router_adapter") << "where readers of one loop look";
  EXPECT_FALSE(alone.adapter_loop.has_value());
  LoopMasks both;
  both.loop.method = "closed_loop";
  both.loop.steps.resize(5);
  keep_adapter_loop(adapter, both);
  EXPECT_EQ(both.loop.steps.size(), 5U);
  ASSERT_TRUE(both.adapter_loop.has_value());
  EXPECT_EQ(both.adapter_loop->steps.size(), 3U);
}

TEST_F(MaskMakerTest, AnotherSigmaRuleIsAnotherMask) {
  for (const SigmaRule rule : {SigmaRule::kToken, SigmaRule::kCalibrated}) {
    scenario_.steer.sigma_rule = rule;
    EXPECT_EQ(maker("one").mean_difference_mask()->sigma_rule, rule);
  }
}

}  // namespace
}  // namespace mascing
