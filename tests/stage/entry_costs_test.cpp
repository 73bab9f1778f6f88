// Costs of entries on a model of which everything is known.
#include "stage/entry_costs.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage/numeric_model.h"

namespace mascing {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;

constexpr double kLimit = 0.05;

/// A target, and texts that diverge by 0.001 (j + 1) S_j^2.
NumericModel model_with_text() {
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 1.0), 0.0, 1);
  model.add_text(kLimit, 5);
  for (int64_t j = 0; j < 16; ++j) {
    model.costs.push_back(0.001 * static_cast<double>(j + 1));
  }
  return model;
}

std::vector<double> costs_of(const NumericModel& model,
                             const FreeEntries& entries,
                             const AskModel& ask) {
  EntryCostOptions options;
  options.size = 0.5;
  return measure_entry_costs(numeric_frame(8), entries, model.sets, model.roles, ask, options);
}

TEST(EntryCosts, AreDivergencesOfBothSignsOverTheLimit) {
  const NumericModel model = model_with_text();
  const auto cost = [](double j) { return 2.0 * 0.001 * (j + 1.0) * 0.25 / kLimit; };
  EXPECT_THAT(
      costs_of(model, {0, 7, 15}, model.ask()),
      ElementsAre(
          DoubleNear(cost(0.0), 1e-9), DoubleNear(cost(7.0), 1e-9), DoubleNear(cost(15.0), 1e-9)));
}

TEST(EntryCosts, AskOnlyTextsThatDivergeAndTheSameOfEveryEntry) {
  NumericModel model = model_with_text();
  model.add_text(kLimit, 5);
  model.sets.back().rises = true;
  std::vector<std::vector<int64_t>> items(2);
  const AskModel ask = [&](const std::vector<Question>& questions) {
    for (const Question& question : questions) {
      EXPECT_EQ(question.i_set, 1);
      const bool is_first = question.steering.mask->steer[2] != 0.0F;
      items[is_first ? 0 : 1].push_back(question.i_item);
    }
    return model.ask()(questions);
  };
  static_cast<void>(costs_of(model, {2, 9}, ask));
  EXPECT_FALSE(items[0].empty());
  EXPECT_EQ(items[0], items[1]);
}

TEST(EntryCosts, WhatTheModelCannotAnswerCountsAsNothing) {
  const NumericModel model = model_with_text();
  const AskModel ask = [](const std::vector<Question>& questions) {
    return std::vector<double>(questions.size(), NAN);
  };
  EXPECT_THAT(costs_of(model, {0, 1}, ask), Each(0.0));
}

TEST(EntryCosts, GivingUpLeavesNothingAndNothingMakesNoSteps) {
  const NumericModel model = model_with_text();
  EntryCostOptions options;
  options.is_spent = [] { return true; };
  const Mask base = numeric_frame(8);
  const std::vector<double> costs =
      measure_entry_costs(base, all_entries(base), model.sets, model.roles, model.ask(), options);
  EXPECT_TRUE(costs.empty());
  EXPECT_TRUE(steps_of_equal_cost(costs).empty());
}

TEST(EntryCosts, AskAboutFewerTextsWhereThereAreManyEntries) {
  NumericModel model = model_with_text();
  model.costs.clear();
  int64_t n_question = 0;
  const AskModel ask = [&](const std::vector<Question>& questions) {
    n_question += static_cast<int64_t>(questions.size());
    return model.ask()(questions);
  };
  const Mask base = numeric_frame(256);
  const std::vector<double> costs =
      measure_entry_costs(base, all_entries(base), model.sets, model.roles, ask, {});
  EXPECT_EQ(n_question, 2 * 2 * 512);
  EXPECT_EQ(costs.size(), 512U);
  EXPECT_GT(costs.back(), 0.0);
}

TEST(EntryCosts, AreZeroWithoutTexts) {
  NumericModel model;
  model.add("dsr", {}, 10, 0.0, std::vector<double>(16, 1.0), 0.0, 1);
  EXPECT_THAT(costs_of(model, {0, 1}, model.ask()), ElementsAre(0.0, 0.0));
}

TEST(StepsOfEqualCost, GoWithTheRootOfTheCost) {
  const std::vector<double> steps = steps_of_equal_cost({400.0, 100.0, 100.0, 1600.0});
  EXPECT_NEAR(steps[1] / steps[0], 2.0, 0.15);
  EXPECT_NEAR(steps[0] / steps[3], 2.0, 0.15);
  double square = 0.0;
  for (const double step : steps) {
    square += step * step / 4.0;
  }
  EXPECT_NEAR(square, 1.0, 1e-12);
}

TEST(StepsOfEqualCost, StayBoundedWhereNothingCosts) {
  EXPECT_THAT(steps_of_equal_cost({0.0, 0.0, 0.0}), Each(1.0));
  const std::vector<double> steps = steps_of_equal_cost({0.0, 1.0});
  EXPECT_GT(steps[0], steps[1]);
  EXPECT_LT(steps[0], 10.0 * steps[1]);
}

}  // namespace
}  // namespace mascing
