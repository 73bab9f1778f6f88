// The closed loop on models of which everything is known.
#include "stage/closed_loop.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage/numeric_model.h"

namespace mascing {
namespace {

/// Conversations refused if entry 3 rises; entry 5 would help as well.
NumericModel simple_model() {
  NumericModel model;
  std::vector<double> gain(16, 0.0);
  gain[3] = 1.5;
  gain[5] = 1.0;
  model.add("dsr", {}, 60, -1.0, gain, 0.5, 1);
  return model;
}

ClosedLoopResult run(const NumericModel& model, ClosedLoopOptions options = {}) {
  const Mask start = numeric_frame(8);
  return close_loop(start, all_entries(start), model.sets, model.roles, model.ask(), options);
}

TEST(ClosedLoop, ChangesTheBehaviour) {
  const NumericModel model = simple_model();
  const ClosedLoopResult result = run(model);
  const double before = model.wanted_share(0, std::vector<float>(16, 0.0F));
  EXPECT_LT(before, 0.4);
  EXPECT_GT(model.wanted_share(0, result.steer), 0.95);
  EXPECT_GT(result.steer[3], 0.5F);
}

TEST(ClosedLoop, LooksAtRepliesUnderTheMaskSoFar) {
  const NumericModel model = simple_model();
  std::vector<float> strongest;
  ClosedLoopOptions options;
  options.n_step = 13;
  options.look = [&](const std::vector<float>& steer) {
    EXPECT_EQ(steer.size(), 16U);
    strongest.push_back(*std::max_element(steer.begin(), steer.end()));
    return LoopLook{false, {}, {{"gain", {64, 10, 20}}}};
  };
  const ClosedLoopResult never = run(model, options);
  EXPECT_TRUE(strongest.empty());
  options.n_look = 3;
  const ClosedLoopResult looked = run(model, options);
  ASSERT_EQ(strongest.size(), 2U) << "before the fourth and the seventh step; later ones would "
                                     "leave too few steps for a result";
  EXPECT_GT(strongest[1], strongest[0]);
  EXPECT_EQ(never.steer, looked.steer) << "openings that stay change nothing";
  ASSERT_EQ(looked.looks.size(), 2U);
  EXPECT_EQ(looked.looks[0].n_step, 3);
  EXPECT_EQ(looked.looks[1].n_step, 6);
  EXPECT_EQ(looked.looks[1].sets.at("gain").n_wanted, 20);
}

TEST(ClosedLoop, EndsEarlyOnlyIfItsOpeningsStay) {
  const NumericModel model = simple_model();
  int n_asked = 0;
  ClosedLoopOptions options;
  options.n_look = 1000;  // none is due
  const size_t n_step = run(model, options).steps.size();
  ASSERT_LT(n_step, 50U);
  options.look = [&](const std::vector<float>& /*steer*/) { return LoopLook{++n_asked == 1}; };
  const ClosedLoopResult result = run(model, options);
  EXPECT_EQ(n_asked, 2) << "the first look found new openings, the second none";
  EXPECT_GE(result.steps.size(), n_step + 6);
  EXPECT_GE(result.i_best - result.n_stretch + 1, static_cast<int64_t>(n_step))
      << "earlier values are of other openings";
}

/// The loop on a gain set and a hold set whose margins nothing moves.
ClosedLoopResult run_with_deaf_margins(const ClosedLoopOptions& options) {
  NumericModel model = simple_model();
  model.add(
      "hold", {LoopRole::kKeep, 0.02, {}, 0.0}, 60, 4.0, std::vector<double>(16, 0.0), 0.1, 2);
  return run(model, options);
}

TEST(ClosedLoop, ALimitThatOnlyRepliesExceedWeighsMore) {
  ClosedLoopOptions options;
  options.n_step = 13;
  const double before = run_with_deaf_margins(options).steps.back().multiplier.at(1);
  options.n_look = 3;
  options.look = [](const std::vector<float>& /*steer*/) { return LoopLook{false, {NAN, 0.5}}; };
  const ClosedLoopResult result = run_with_deaf_margins(options);
  EXPECT_EQ(result.steps.at(2).seen.at(1), 0.5) << "the steps that led to the mask of the look";
  EXPECT_NEAR(result.steps.at(7).multiplier.at(1) / result.steps.at(6).multiplier.at(1),
              std::exp(0.2 * result.steps.at(7).seen.at(1)),
              1e-9);
  EXPECT_NEAR(result.steps.at(7).seen.at(1), 0.5, 0.01) << "margins that hardly move";
  EXPECT_GT(result.steps.back().multiplier.at(1), 3.0 * before);
}

TEST(ClosedLoop, WhatALookSawMovesWithTheMarginsUntilTheNext) {
  NumericModel model = simple_model();
  std::vector<double> against(16, 0.0);
  against[3] = -1.0;
  model.add("keep", {LoopRole::kKeep, 0.05, {}, 0.0}, 60, 1.0, against, 0.1, 2);
  ClosedLoopOptions options;
  options.n_step = 13;
  options.n_look = 3;
  options.look = [](const std::vector<float>& /*steer*/) { return LoopLook{false, {NAN, 0.5}}; };
  const ClosedLoopResult result = run(model, options);
  const auto violation = [&](size_t i_step) {
    return loop_violation(model.roles[1], result.steps.at(i_step).value.at(1));
  };
  ASSERT_EQ(result.looks.size(), 2U);
  EXPECT_EQ(result.steps.at(5).seen.at(1), 0.5) << "the last look was before step 6";
  ASSERT_GT(std::abs(violation(8) - violation(5)), 0.05) << "the margins of the set have moved";
  EXPECT_DOUBLE_EQ(result.steps.at(8).seen.at(1), 0.5 - violation(5) + violation(8));
}

TEST(ClosedLoop, KeepsTheMaskWithTheBestRepliesThatALookSaw) {
  NumericModel model = simple_model();
  model.add(
      "hold", {LoopRole::kKeep, 0.02, {}, 0.0}, 60, 4.0, std::vector<double>(16, 0.0), 0.1, 2);
  std::vector<std::vector<float>> looked;
  std::vector<LoopLook> looks;
  ClosedLoopOptions options;
  options.n_step = 16;
  options.n_look = 3;
  options.look = [&](const std::vector<float>& steer) {
    looked.push_back(steer);
    return looks.at(looked.size() - 1);
  };
  const auto gaining = [](double gain, double violation) {
    return LoopLook{false, {NAN, violation}, {}, gain};
  };
  looks = {gaining(0.3, -1.0), gaining(0.4, 1.0), gaining(0.2, -1.0)};
  const ClosedLoopResult result = run(model, options);
  ASSERT_EQ(looked.size(), 3U);
  ASSERT_EQ(result.looked.size(), looked[0].size());
  const auto at_3 = [](const std::vector<float>& steer) { return std::abs(steer[3]); };
  EXPECT_LT(at_3(result.looked), at_3(looked[2])) << "the second gained more, and broke a limit";
  EXPECT_GT(at_3(result.looked), 0.5 * at_3(looked[0]));

  looked.clear();
  looks = {gaining(-0.1, -1.0), gaining(0.1, 1.0), gaining(NAN, -1.0)};
  EXPECT_TRUE(run(model, options).looked.empty()) << "none is better than no mask";
}

TEST(ClosedLoop, DoesNotEndEarlyWhileRepliesExceedALimit) {
  int n_asked = 0;
  ClosedLoopOptions options;
  options.n_look = 1000;  // none is due
  const size_t n_step = run_with_deaf_margins(options).steps.size();
  ASSERT_LT(n_step, 50U);
  options.look = [&](const std::vector<float>& /*steer*/) {
    return LoopLook{false, {NAN, ++n_asked == 1 ? 0.5 : -1.0}};
  };
  const ClosedLoopResult result = run_with_deaf_margins(options);
  EXPECT_EQ(result.steps.size(), n_step + 6);
  EXPECT_EQ(n_asked, 2);
  EXPECT_EQ(result.i_best, std::ssize(result.steps) - 1) << "which the second look approved";
}

TEST(ClosedLoop, KeepsASetThatPullsTheOtherWay) {
  NumericModel model = simple_model();
  std::vector<double> against(16, 0.0);
  against[5] = -4.0;
  model.add("keep", {LoopRole::kKeep, 0.05, {}, 0.0}, 60, 1.0, against, 0.1, 2);
  const double before = model.wanted_share(1, std::vector<float>(16, 0.0F));
  const ClosedLoopResult result = run(model);
  EXPECT_GT(model.wanted_share(0, result.steer), 0.85);
  EXPECT_GT(model.wanted_share(1, result.steer), before - 0.1);
}

/// How far a hold set of margins about 4 nats fell, measured at a mask that leaves them about 1.
double fall_of_worn_set(double margin) {
  NumericModel model = simple_model();
  std::vector<double> against(16, 0.0);
  against[5] = -3.0;
  model.add("hold", {LoopRole::kKeep, 0.02, {}, margin}, 60, 4.0, against, 0.1, 2);
  Mask start = numeric_frame(8);
  start.steer[5] = 1.0F;
  ClosedLoopOptions options;
  options.n_step = 1;
  const ClosedLoopResult result =
      close_loop(start, all_entries(start), model.sets, model.roles, model.ask(), options);
  return result.steps.at(0).value.at(1);
}

TEST(ClosedLoop, AMarginSeesASetFallBeforeItTipsOver) {
  EXPECT_LT(fall_of_worn_set(0.0), 0.45);
  EXPECT_GT(fall_of_worn_set(2.0), 0.55);
}

TEST(ClosedLoop, AsksWhatMattersMoreOften) {
  NumericModel model = simple_model();
  model.add(
      "idle", {LoopRole::kKeep, 0.05, {}, 0.0}, 60, 30.0, std::vector<double>(16, 0.0), 0.0, 3);
  std::vector<int64_t> n_asked(2, 0);
  const AskModel ask = [&](const std::vector<Question>& questions) {
    for (const Question& question : questions) {
      ++n_asked[static_cast<size_t>(question.i_set)];
    }
    return model.ask()(questions);
  };
  const Mask start = numeric_frame(8);
  static_cast<void>(close_loop(start, all_entries(start), model.sets, model.roles, ask, {}));
  EXPECT_GT(n_asked[0], 2 * n_asked[1]);
  EXPECT_GT(n_asked[1], 0);
}

TEST(ClosedLoop, KeepsTheDivergenceNearItsLimit) {
  NumericModel model = simple_model();
  model.add_text(0.02, 10);  // |S| = sqrt(2) reaches it
  ClosedLoopOptions options;
  options.n_step = 60;
  const double free_norm = norm_of(run(simple_model(), options).steer);
  const double held_norm = norm_of(run(model, options).steer);
  EXPECT_LT(held_norm, free_norm);
  EXPECT_LT(held_norm * held_norm * model.cost, 0.04);
}

/// Two of sixteen entries help alike, the first at a hundredth of the second's price.
double share_at_equal_damage(const std::vector<double>& unit) {
  NumericModel model;
  std::vector<double> gain(16, 0.0);
  gain[3] = 1.0;
  gain[5] = 1.0;
  model.add("dsr", {}, 60, -2.0, gain, 0.5, 1);
  model.add_text(0.05, 10);
  model.costs.assign(16, 0.2);
  model.costs[3] = 0.002;
  ClosedLoopOptions options;
  options.unit = unit;
  options.n_step = 20;
  const ClosedLoopResult result = run(model, options);
  EXPECT_LT(model.answer({1, 0, {numeric_mask(result.steer), 1.0F}}), 0.1);
  return model.wanted_share(0, result.steer);
}

TEST(ClosedLoop, GetsFurtherInUnitsOfEqualCost) {
  std::vector<double> unit(16, 0.55);
  unit[3] = 3.0;
  EXPECT_GT(share_at_equal_damage(unit), share_at_equal_damage({}) + 0.1);
}

TEST(ClosedLoop, UnitsOfOneChangeNothing) {
  ClosedLoopOptions options;
  options.n_step = 5;
  const std::vector<float> plain = run(simple_model(), options).steer;
  options.unit.assign(16, 1.0);
  EXPECT_EQ(run(simple_model(), options).steer, plain);
}

TEST(ClosedLoop, LeavesEntriesThatAreNotFreeAlone) {
  const NumericModel model = simple_model();
  const Mask start = numeric_frame(8);
  const ClosedLoopResult result =
      close_loop(start, {0, 5, 9}, model.sets, model.roles, model.ask(), {});
  EXPECT_EQ(result.steer[3], 0.0F);
  EXPECT_GT(result.steer[5], 0.5F);
}

TEST(ClosedLoop, NeverBoostsAboveTheCap) {
  ClosedLoopOptions options;
  options.boost_cap = 0.4;
  options.enough = 2.0;
  const ClosedLoopResult result = run(simple_model(), options);
  for (const float value : result.steer) {
    EXPECT_LE(value, 0.4F);
  }
}

TEST(ClosedLoop, StopsOnceItIsGoodEnough) {
  ClosedLoopOptions options;
  options.n_step = 200;
  EXPECT_LT(run(simple_model(), options).steps.size(), 100U);
}

TEST(ClosedLoop, AnEarlyStrokeOfLuckIsNotTheResult) {
  const NumericModel model = simple_model();
  const Mask start = numeric_frame(8);
  int64_t n_round = 0;
  const AskModel ask = [&](const std::vector<Question>& questions) {
    std::vector<double> answers = model.ask()(questions);
    if (++n_round <= 4) {  // the first conversations drawn happen to end as wanted
      std::fill(answers.begin(), answers.end(), 3.0);
    }
    return answers;
  };
  ClosedLoopOptions options;
  options.n_step = 24;
  options.step = 0.02;  // so that nothing later comes close to it
  const ClosedLoopResult result =
      close_loop(start, all_entries(start), model.sets, model.roles, ask, options);
  EXPECT_GE(result.i_best - result.n_stretch + 1, 12);
}

TEST(ClosedLoop, TheSameSeedGivesTheSameBytes) {
  const NumericModel model = simple_model();
  ClosedLoopOptions options;
  options.n_step = 5;
  EXPECT_EQ(run(model, options).steer, run(model, options).steer);
  const std::vector<float> first = run(model, options).steer;
  options.seed = 1;
  EXPECT_NE(run(model, options).steer, first);
}

TEST(ClosedLoop, WhatTheModelCannotAnswerDoesNoHarm) {
  const NumericModel model = simple_model();
  const Mask start = numeric_frame(8);
  int64_t k = 0;
  const AskModel ask = [&](const std::vector<Question>& questions) {
    std::vector<double> answers = model.ask()(questions);
    for (double& answer : answers) {
      answer = ++k % 10 == 0 ? NAN : answer;
    }
    return answers;
  };
  const ClosedLoopResult result =
      close_loop(start, all_entries(start), model.sets, model.roles, ask, {});
  EXPECT_GT(model.wanted_share(0, result.steer), 0.9);
}

TEST(ClosedLoop, OfAModelThatDoesNotListenGainsNothing) {
  NumericModel model;
  model.add("dsr", {}, 60, -1.0, std::vector<double>(16, 0.0), 0.0, 1);
  const ClosedLoopResult result = run(model);
  EXPECT_EQ(model.wanted_share(0, result.steer),
            model.wanted_share(0, std::vector<float>(16, 0.0F)));
}

}  // namespace
}  // namespace mascing
