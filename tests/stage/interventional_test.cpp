// The surrogate that learns from interventions, on models of which everything is known.
#include "stage/interventional.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/error.h"
#include "mascing/steer.h"
#include "stage/numeric_model.h"
#include "stage/numeric_traces.h"
#include "stage/steer_fixtures.h"

namespace mascing {
namespace {

constexpr int64_t kExperts = 8;
constexpr size_t kCause = 3;
constexpr size_t kSymptom = 9;  ///< its router logit says how a conversation ends, and does nothing

/// Conversations of which one half is refused; the model refuses more if the cause's entry rises.
/// Their traces are noise, but for the symptom.
struct World {
  NumericModel model;
  TraceSet traces;
  std::vector<TracedItem> items;

  [[nodiscard]] TracedObjectives objectives() const { return {model.roles, items, traces}; }
};

World make_world(int64_t n) {
  World world;
  std::vector<double> gain(2 * kExperts, 0.0);
  gain[kCause] = 1.5;
  world.model.add("dsr", {}, n, 0.0, gain, 0.2, 1);
  TraceSetBuilder builder(2, kExperts);
  Rng rng(7);
  for (int64_t i = 0; i < n; ++i) {
    const double base = world.model.roles[0].base[i];
    std::vector<float> logits(static_cast<size_t>(3 * 2 * kExperts));
    for (size_t k = 0; k < logits.size(); ++k) {
      const double told = k % (2 * kExperts) == kSymptom ? 3.0 * base : 0.0;
      logits[k] = static_cast<float>(rng.normal() + told);
    }
    builder.add(base < 0.0 ? 1 : 0, logits);
    world.items.push_back({0, i, i});
  }
  world.traces = builder.build();
  return world;
}

InterventionalOptions short_search() {
  InterventionalOptions options;
  options.n_round = 4;
  options.n_pair = 200;
  options.train.n_proj = 4;
  options.train.n_hidden = 8;
  return options;
}

Mask frame_of(const World& world) {
  Mask start = mask_for(world.traces);
  start.steer.assign(2 * kExperts, 0.0F);
  start.sigma = {1.0F, 1.0F};
  return start;
}

InterventionalResult run(const World& world, const InterventionalOptions& options) {
  const Mask start = frame_of(world);
  return steer_by_interventions(
      start, all_entries(start), world.objectives(), world.model.ask(), options);
}

TEST(Interventional, RaisesTheCauseAndNotTheSymptom) {
  const World world = make_world(120);
  const InterventionalResult result = run(world, short_search());
  const double before = world.model.wanted_share(0, std::vector<float>(2 * kExperts, 0.0F));
  EXPECT_LT(before, 0.6);
  EXPECT_GT(world.model.wanted_share(0, result.steer), 0.9);
  EXPECT_GT(result.steer[kCause], 2.0F * std::fabs(result.steer[kSymptom]));
  // What the paper's surrogate makes of the same traces.
  TrainOptions train;
  train.n_proj = 4;
  train.n_hidden = 8;
  const Surrogate observed = train_surrogate(world.traces, train).surrogate;
  SteerTraces all;
  all.target.resize(world.traces.traces.size());
  std::iota(all.target.begin(), all.target.end(), int64_t{0});
  const std::vector<float> naive =
      optimise_steering(observed, world.traces, all, SteerOptions{}).steer;
  EXPECT_GT(std::fabs(naive[kSymptom]), 2.0F * std::fabs(naive[kCause]));
}

TEST(Interventional, ExpectsWhatMasksDo) {
  const InterventionalResult result = run(make_world(120), short_search());
  ASSERT_EQ(result.rounds.size(), 4U);
  EXPECT_EQ(result.rounds.front().correlation, 0.0);
  EXPECT_GT(result.rounds.back().correlation, 0.6);
  EXPECT_GT(result.rounds.back().value, result.rounds.front().value + 0.1);
  EXPECT_EQ(result.n_question, 4 * 2 * 200);
}

TEST(Interventional, KeepsASetThatPullsTheOtherWay) {
  World world = make_world(120);
  std::vector<double> against(2 * kExperts, 0.0);
  against[kCause] = -3.0;
  against[5] = 3.0;
  world.model.add("keep", {LoopRole::kKeep, 0.05, {}, 0.0}, 120, 2.0, against, 0.1, 2);
  TraceSetBuilder builder(2, kExperts);
  Rng rng(8);
  for (int64_t i = 0; i < 240; ++i) {
    std::vector<float> logits(static_cast<size_t>(3 * 2 * kExperts));
    for (size_t k = 0; k < logits.size(); ++k) {
      const bool is_marked = i >= 120 && k % (2 * kExperts) == 12;
      logits[k] = static_cast<float>(rng.normal() + (is_marked ? 4.0 : 0.0));
    }
    builder.add(0, logits);
    if (i >= 120) {
      world.items.push_back({1, i - 120, i});
    }
  }
  world.traces = builder.build();
  // The entry 5 makes up for what the cause does to the other set.
  InterventionalOptions options = short_search();
  options.n_round = 8;
  options.train.n_hidden = 32;
  const InterventionalResult result = run(world, options);
  EXPECT_GT(world.model.wanted_share(0, result.steer), 0.8);
  EXPECT_GT(world.model.wanted_share(1, result.steer), 0.9);
}

TEST(Interventional, StaysWithinTheRadiusOfEachRound) {
  InterventionalOptions options = short_search();
  options.radius = 0.25;
  const InterventionalResult result = run(make_world(60), options);
  for (size_t i = 0; i + 1 < result.rounds.size(); ++i) {
    EXPECT_LE(result.rounds[i + 1].norm, result.rounds[i].norm + 0.25 + 1e-4);
  }
  EXPECT_GT(result.rounds.back().norm, 0.3);
}

TEST(Interventional, StopsOnceTheWantedReplyIsNearlyCertain) {
  InterventionalOptions options = short_search();
  options.enough = 0.7;
  options.n_round = 30;
  const InterventionalResult result = run(make_world(120), options);
  ASSERT_LT(result.rounds.size(), 30U);
  EXPECT_GE(result.rounds.back().value, 0.7);
  for (size_t i = 0; i + 1 < result.rounds.size(); ++i) {
    EXPECT_LT(result.rounds[i].value, 0.7);
  }
}

TEST(Interventional, LeavesEntriesThatAreNotFreeAlone) {
  const World world = make_world(60);
  const Mask start = frame_of(world);
  const InterventionalResult result = steer_by_interventions(
      start, {0, 5, 9}, world.objectives(), world.model.ask(), short_search());
  EXPECT_EQ(result.steer[kCause], 0.0F);
  EXPECT_NE(result.steer[5], 0.0F);
}

TEST(Interventional, SameSeedSameBytes) {
  const World world = make_world(60);
  EXPECT_EQ(run(world, short_search()).steer, run(world, short_search()).steer);
  InterventionalOptions other = short_search();
  other.seed = 1;
  EXPECT_NE(run(world, short_search()).steer, run(world, other).steer);
}

TEST(Interventional, AQuestionWithoutAnswerIsLeftOut) {
  const World world = make_world(60);
  const Mask start = frame_of(world);
  const AskModel ask = [&](const std::vector<Question>& questions) {
    std::vector<double> answers = world.model.ask()(questions);
    for (size_t i = 0; i < answers.size(); i += 3) {
      answers[i] = std::nan("");
    }
    return answers;
  };
  const InterventionalResult result =
      steer_by_interventions(start, all_entries(start), world.objectives(), ask, short_search());
  for (const float value : result.steer) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Interventional, AModelThatAnswersNothingIsAnError) {
  const World world = make_world(10);
  const Mask start = frame_of(world);
  const AskModel ask = [](const std::vector<Question>& questions) {
    return std::vector<double>(questions.size(), std::nan(""));
  };
  EXPECT_THROW(static_cast<void>(steer_by_interventions(
                   start, all_entries(start), world.objectives(), ask, short_search())),
               Error);
}

TEST(Interventional, ATargetWithoutTracesIsAnError) {
  const World world = make_world(10);
  const Mask start = frame_of(world);
  EXPECT_THROW(static_cast<void>(steer_by_interventions(start,
                                                        all_entries(start),
                                                        {world.model.roles, {}, world.traces},
                                                        world.model.ask(),
                                                        short_search())),
               Error);
}

}  // namespace
}  // namespace mascing
