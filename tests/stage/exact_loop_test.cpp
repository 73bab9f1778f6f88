// The closed loop on exact gradients, the effect map and the costs of entries from derivatives, on
// models of which everything is known.
#include <algorithm>
#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage/closed_loop.h"
#include "stage/entry_costs.h"
#include "stage/exact_effects.h"
#include "stage/numeric_model.h"
#include "stage/path_attribution.h"

namespace mascing {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

/// Conversations refused if entry 3 rises, of `n_expert` experts in each of two layers.
NumericModel wide_model(int64_t n_expert) {
  NumericModel model;
  std::vector<double> gain(static_cast<size_t>(2 * n_expert), 0.0);
  gain[3] = 1.5;
  gain[5] = 1.0;
  model.add("dsr", {}, 60, -1.0, gain, 0.5 / std::sqrt(static_cast<double>(n_expert)), 1);
  return model;
}

ClosedLoopResult run_exactly(const NumericModel& model,
                             int64_t n_expert,
                             const ClosedLoopOptions& options = {}) {
  const Mask start = numeric_frame(n_expert);
  return close_loop_exactly(
      start, all_entries(start), model.sets, model.roles, model.ask_gradients(), options);
}

TEST(ExactLoop, CostsNoMoreWhereThereAreManyEntries) {
  for (const int64_t n_expert : {8, 512}) {
    const NumericModel model = wide_model(n_expert);
    const ClosedLoopResult result = run_exactly(model, n_expert);
    EXPECT_GT(model.wanted_share(0, result.steer), 0.95) << n_expert;
    EXPECT_GT(result.steer[3], 0.5F) << n_expert;
    EXPECT_LE(result.n_question, 60 * 48) << n_expert;
  }
}

TEST(ExactLoop, KeepsASetThatPullsTheOtherWayAndTheDivergence) {
  NumericModel model = wide_model(8);
  std::vector<double> against(16, 0.0);
  against[5] = -4.0;
  model.add("keep", {LoopRole::kKeep, 0.05, {}, 0.0}, 60, 1.0, against, 0.1, 2);
  model.add_text(0.02, 10);
  const double before = model.wanted_share(1, std::vector<float>(16, 0.0F));
  const std::vector<float> steer = run_exactly(model, 8).steer;
  EXPECT_GT(model.wanted_share(0, steer), 0.8);
  EXPECT_GT(model.wanted_share(1, steer), before - 0.1);
  EXPECT_LT(norm_of(steer) * norm_of(steer) * model.cost, 0.04);
}

TEST(ExactLoop, AsksEveryItemBeforeAnyComesAgainAndAsManyAsItIsTold) {
  const NumericModel model = wide_model(8);
  std::map<int64_t, int> n_asked;
  const AskGradients ask = [&](const std::vector<Question>& questions) {
    EXPECT_EQ(questions.size(), 20U);
    for (const Question& question : questions) {
      ++n_asked[question.i_item];
    }
    return model.ask_gradients()(questions);
  };
  ClosedLoopOptions options;
  options.n_item = 20;
  options.n_step = 3;
  const Mask start = numeric_frame(8);
  const ClosedLoopResult result =
      close_loop_exactly(start, all_entries(start), model.sets, model.roles, ask, options);
  EXPECT_EQ(result.n_question, 60);
  EXPECT_EQ(n_asked.size(), 60U);
}

TEST(ExactLoop, TheSameSeedGivesTheSameBytes) {
  const NumericModel model = wide_model(8);
  ClosedLoopOptions options;
  options.n_step = 5;
  const std::vector<float> first = run_exactly(model, 8, options).steer;
  EXPECT_EQ(run_exactly(model, 8, options).steer, first);
  options.seed = 1;
  EXPECT_NE(run_exactly(model, 8, options).steer, first);
}

TEST(ExactLoop, WhatHasNoGradientDoesNoHarm) {
  const NumericModel model = wide_model(8);
  int64_t k = 0;
  const AskGradients ask = [&](const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers = model.ask_gradients()(questions);
    for (OutcomeGradient& answer : answers) {
      if (++k % 5 == 0) {
        answer = {NAN, {}, "too long"};
      }
    }
    return answers;
  };
  const Mask start = numeric_frame(8);
  const ClosedLoopResult result =
      close_loop_exactly(start, all_entries(start), model.sets, model.roles, ask, {});
  EXPECT_GT(model.wanted_share(0, result.steer), 0.9);
}

TEST(LoopSlope, IsTheDerivativeOfTheLoss) {
  for (const LoopRole role : {LoopRole::kGain, LoopRole::kKeep, LoopRole::kDamage}) {
    const LoopSet set = {role, 0.05, {}, 2.0};
    for (const double y : {-3.0, 0.0, 1.5, 4.0}) {
      const double difference = (loop_loss(set, y + 1e-5) - loop_loss(set, y - 1e-5)) / 2e-5;
      EXPECT_NEAR(loop_slope(set, y), difference, 1e-5 * std::max(1.0, std::fabs(difference)));
    }
  }
}

ExactEffects effects_of(const AskGradients& ask, const NumericModel& model) {
  std::vector<float> directions(16, 0.0F);
  directions[3] = 0.6F;
  directions[5] = 0.8F;
  EffectOptions options;
  options.n_max = 40;
  options.perturbation = 0.8;
  return measure_exact_effects(numeric_frame(8), directions, model.sets, 0, ask, options);
}

TEST(ExactEffects, AreMeansOverConversationsWithTheirErrors) {
  NumericModel model = wide_model(8);
  const ExactEffects effects = effects_of(model.ask_gradients(), model);
  EXPECT_EQ(effects.entries.n, 40);
  const double error = 0.5 / std::sqrt(8.0) / std::sqrt(40.0);
  EXPECT_NEAR(effects.entries.effect[3], 1.5, 4.0 * error);
  EXPECT_NEAR(effects.entries.effect[4], 0.0, 4.0 * error);
  EXPECT_NEAR(effects.entries.effect[5], 1.0, 4.0 * error);
  EXPECT_NEAR(effects.entries.standard_error[3], error, 0.4 * error);
  EXPECT_LT(effects.entries.q_value[3], 1e-6);
  EXPECT_GT(effects.entries.q_value[4], 1e-3);
  EXPECT_EQ(effects.layers.n, 60) << "80 points of all 60 conversations";
  ASSERT_EQ(effects.layers.effect.size(), 2U);
  EXPECT_NEAR(effects.layers.effect[0], 0.6 * 1.5 + 0.8 * 1.0, 0.2);
  EXPECT_EQ(effects.layers.effect[1], 0.0);
  EXPECT_GT(effects.layers.q_value[1], 0.99);
}

TEST(ExactEffects, OfLayersAreTheMeanSlopeOverTheReachOfPairs) {
  const NumericModel model = wide_model(8);
  const double reach = 0.8 * std::sqrt(8.0);
  double farthest = 0.0;
  // A step at 1 sigma along layer 0's direction, which derivatives at 0 do not see: slope 5 within
  // (1, 1.2), so that the mean slope is 1 / (2 reach).
  const AskGradients step = [&](const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers;
    for (const Question& question : questions) {
      const double at = question.steering.mask->steer[3] / 0.6;
      farthest = std::max(farthest, std::fabs(at));
      std::vector<float> d_steer(16, 0.0F);
      d_steer[3] = at > 1.0 && at < 1.2 ? 5.0F / 0.6F : 0.0F;
      answers.push_back({0.0, d_steer, ""});
    }
    return answers;
  };
  std::vector<float> directions(16, 0.0F);
  directions[3] = 0.6F;
  directions[5] = 0.8F;
  EffectOptions options;
  options.n_max = 2000;
  options.perturbation = 0.8;
  const ExactEffects effects =
      measure_exact_effects(numeric_frame(8), directions, model.sets, 0, step, options);
  EXPECT_EQ(effects.entries.effect[3], 0.0);
  EXPECT_NEAR(effects.layers.effect[0], 1.0 / (2.0 * reach), 0.06);
  EXPECT_GT(farthest, 0.98 * reach);
  EXPECT_LE(farthest, 1.001 * reach);
}

TEST(ExactEffects, OfAModelWithoutGradientsAreEmptyAndSayWhy) {
  const NumericModel model = wide_model(8);
  const AskGradients none = [](const std::vector<Question>& questions) {
    return std::vector<OutcomeGradient>(questions.size(), {NAN, {}, "no rule for SSM_SCAN"});
  };
  const ExactEffects effects = effects_of(none, model);
  EXPECT_EQ(effects.entries.n, 0);
  EXPECT_THAT(effects.entries.effect, IsEmpty());
  EXPECT_EQ(effects.failure, "no rule for SSM_SCAN");
}

PathAttribution path_of(const AskGradients& ask, const NumericModel& model, const Mask& mask) {
  return attribute_change(mask, model.sets, 0, ask, {.n_item = 20, .n_interval = 8});
}

Mask mask_with(float third, float fifth) {
  Mask mask = numeric_frame(8);
  mask.steer[3] = third;
  mask.steer[5] = fifth;
  return mask;
}

TEST(PathAttribution, DividesTheChangeAmongTheEntriesOfTheMask) {
  const NumericModel model = wide_model(8);
  const PathAttribution path = path_of(model.ask_gradients(), model, mask_with(1.0F, -0.5F));
  EXPECT_EQ(path.n, 20);
  double sum = 0.0;
  for (size_t j = 0; j < path.part.size(); ++j) {
    sum += path.part[j];
    if (j != 3 && j != 5) {
      EXPECT_EQ(path.part[j], 0.0) << j;
    }
  }
  EXPECT_NEAR(sum, path.change, 1e-4);
  const double error = 0.5 / std::sqrt(8.0) / std::sqrt(20.0);
  EXPECT_NEAR(path.part[3], 1.5, 4.0 * error);
  EXPECT_NEAR(path.part[5], -0.5, 2.0 * error);
  EXPECT_NEAR(path.standard_error[3], error, 0.5 * error);
}

TEST(PathAttribution, IntegratesASlopeThatChangesAlongThePath) {
  // m = a^2 b: from (0, 0) to (2, 3) it rises by 12, of which 2/3 are due to a and 1/3 to b.
  const AskGradients cubic = [](const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers;
    for (const Question& question : questions) {
      const float a = question.steering.mask->steer[3];
      const float b = question.steering.mask->steer[5];
      std::vector<float> d_steer(16, 0.0F);
      d_steer[3] = 2.0F * a * b;
      d_steer[5] = a * a;
      answers.push_back({a * a * b, d_steer, ""});
    }
    return answers;
  };
  const NumericModel model = wide_model(8);
  const PathAttribution path = path_of(cubic, model, mask_with(2.0F, 3.0F));
  EXPECT_NEAR(path.change, 12.0, 1e-4);
  EXPECT_NEAR(path.part[3], 8.0, 0.08);  // the trapezoid rule's error is 1 / (2 n^2) of it
  EXPECT_NEAR(path.part[5], 4.0, 0.04);
  EXPECT_NEAR(path.standard_error[3], 0.0, 1e-9);
}

TEST(PathAttribution, RanksThatCancelGiveAnExpertNoPartAndNoError) {
  // Two ranks push expert 3 in opposite directions, by as much as each conversation asks for.
  const AskGradients opposed = [](const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers;
    for (const Question& question : questions) {
      std::vector<float> d_steer(32, 0.0F);  // [2 layers, 2 ranks, 8 experts]
      d_steer[3] = static_cast<float>(question.i_item);
      d_steer[8 + 3] = -d_steer[3];
      d_steer[16 + 5] = 1.0F;
      answers.push_back({0.0, d_steer, ""});
    }
    return answers;
  };
  Mask mask = numeric_frame(8);
  mask.adapter.rank = 2;
  mask.adapter.n_embd = 1;
  mask.adapter.down = std::make_shared<const AdapterDown>(std::vector<float>(4, 1.0F));
  mask.adapter.up.assign(32, 1.0F);
  const NumericModel model = wide_model(8);
  const PathAttribution path = path_of(opposed, model, mask);
  ASSERT_EQ(path.part.size(), 16);
  EXPECT_NEAR(path.part[3], 0.0, 1e-6);
  EXPECT_NEAR(path.standard_error[3], 0.0, 1e-6);
  EXPECT_NEAR(path.part[8 + 5], 1.0, 1e-6);
}

TEST(PathAttribution, LeavesOutConversationsWithoutADerivativeAnywhereOnThePath) {
  const NumericModel model = wide_model(8);
  int64_t n_asked = 0;
  const AskGradients some = [&](const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers = model.ask_gradients()(questions);
    for (OutcomeGradient& answer : answers) {
      if (n_asked++ == 13) {  // the second conversation's fifth point of nine
        answer = {NAN, {}, "too long"};
      }
    }
    return answers;
  };
  EXPECT_EQ(path_of(some, model, mask_with(1.0F, 0.0F)).n, 19);
  const AskGradients none = [](const std::vector<Question>& questions) {
    return std::vector<OutcomeGradient>(questions.size(), {NAN, {}, "no rule for SSM_SCAN"});
  };
  const PathAttribution nothing = path_of(none, model, mask_with(1.0F, 0.0F));
  EXPECT_EQ(nothing.n, 0);
  EXPECT_THAT(nothing.part, IsEmpty());
}

constexpr double kTextLimit = 0.05;

/// Ten texts of two scored tokens, whose distributions name tokens 7 (.75) and 9 (.25).
OutcomeSet texts_of_two_tokens() {
  OutcomeSet set;
  const TopRow row = {{7, 9}, {std::log(0.75F), std::log(0.25F)}, -100.0F};
  for (int i = 0; i < 10; ++i) {
    set.texts.push_back({{1, 2, 3}, 1, std::make_shared<const std::vector<TopRow>>(2, row)});
  }
  return set;
}

TEST(EntryCosts, FromDerivativesAreTheFisherInformationOverTheLimit) {
  const std::vector<OutcomeSet> sets = {texts_of_two_tokens()};
  const std::vector<LoopSet> roles = {{LoopRole::kDamage, kTextLimit}};
  std::map<int32_t, double> n_drawn;
  double n_all = 0.0;
  const AskGradientsOf ask = [&](const std::vector<OutcomeSet>& drawn,
                                 const std::vector<Question>& questions) {
    std::vector<OutcomeGradient> answers;
    for (const Question& question : questions) {
      EXPECT_EQ(question.steering.mask->steer, std::vector<float>(16, 0.0F));
      for (const TopRow& row : *drawn[question.i_set].texts[question.i_item].reference) {
        EXPECT_EQ(row.tokens.size(), 1U);
        n_drawn[row.tokens.at(0)] += 1.0;
        n_all += 1.0;
      }
      std::vector<float> d_steer(16, 0.0F);
      d_steer[3] = 0.3F;
      d_steer[12] = -0.1F;
      answers.push_back({0.0, d_steer, ""});
    }
    return answers;
  };
  EntryCostOptions options;
  const std::vector<double> costs =
      measure_entry_costs_exactly(numeric_frame(8), {3, 4, 12}, sets, roles, ask, options);
  EXPECT_THAT(costs,
              ElementsAre(DoubleNear(2.0 * 0.09 / kTextLimit, 1e-6),
                          0.0,
                          DoubleNear(2.0 * 0.01 / kTextLimit, 1e-6)));
  EXPECT_EQ(n_all, 128.0);
  EXPECT_NEAR(n_drawn[7] / n_all, 0.75, 0.15);
  EXPECT_NEAR(n_drawn[9] / n_all, 0.25, 0.15);
  options.is_spent = [] { return true; };
  EXPECT_THAT(measure_entry_costs_exactly(numeric_frame(8), {3}, sets, roles, ask, options),
              IsEmpty());
}

}  // namespace
}  // namespace mascing
