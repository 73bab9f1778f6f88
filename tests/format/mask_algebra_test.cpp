// Sums and differences of masks.
#include "mascing/mask_algebra.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/expect_error.h"

namespace mascing {
namespace {

WeightedMask mask_of(const std::vector<float>& steer, double strength) {
  WeightedMask used;
  used.mask.n_layer = 2;
  used.mask.n_expert = 2;
  used.mask.steer = steer;
  used.mask.sigma = {1.0F, 2.0F};
  used.mask.blocks = {1, 4};
  used.mask.fingerprint = "f";
  used.mask.scenario = "seal";
  used.strength = strength;
  used.name = "m";
  return used;
}

TEST(ComposeMasks, OneMaskStaysAsItIsButForItsStrength) {
  const Mask sum = compose_masks({mask_of({1, 0, -2, 0.5}, 0.75)});
  EXPECT_EQ(sum.steer, (std::vector<float>{1, 0, -2, 0.5}));
  EXPECT_EQ(sum.alpha, 0.75F);
}

TEST(ComposeMasks, SeveralAreAddedUpAtTheirStrengths) {
  const Mask sum = compose_masks({mask_of({1, 0, -2, 0}, 0.5), mask_of({2, 4, 0, 0}, 0.25)});
  EXPECT_EQ(sum.steer, (std::vector<float>{1.0F, 1.0F, -1.0F, 0.0F}));
  EXPECT_EQ(sum.alpha, 1.0F);
  EXPECT_EQ(sum.method, "composed");
  EXPECT_EQ(sum.scenario, "seal");
}

TEST(ComposeMasks, ASumWasMadeWithTheConversationsOfAll) {
  WeightedMask first = mask_of({1, 0, 0, 0}, 1.0);
  WeightedMask second = mask_of({0, 1, 0, 0}, 1.0);
  first.mask.conversations = {"b", "c"};
  second.mask.conversations = {"a", "b"};
  EXPECT_EQ(compose_masks({first, second}).conversations,
            (std::vector<std::string>{"a", "b", "c"}));
}

TEST(ComposeMasks, AdaptersStandSideBySideAtTheirStrengths) {
  WeightedMask first = mask_of({0, 0, 0, 0}, 0.5);
  first.mask.adapter = {1,
                        3,
                        std::make_shared<const AdapterDown>(std::vector<float>{1, 2, 3, 4, 5, 6}),
                        {2, 4, 6, 8}};
  WeightedMask second = first;
  second.strength = -1.0;
  const WeightedMask matrix = mask_of({1, 0, 0, 0}, 2.0);
  const Mask sum = compose_masks({first, matrix, second});
  EXPECT_EQ(sum.steer, (std::vector<float>{2, 0, 0, 0}));
  EXPECT_EQ(sum.method, "composed router_adapter");
  EXPECT_EQ(sum.adapter.rank, 2);
  EXPECT_EQ(sum.adapter.down->values(), (std::vector<float>{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(sum.adapter.up, (std::vector<float>{1, 2, -2, -4, 3, 4, -6, -8}));
}

TEST(ComposeMasks, AMaskAndItsNegativeCancel) {
  const Mask sum = compose_masks({mask_of({1, 0, -2, 0.5}, 0.7), mask_of({1, 0, -2, 0.5}, -0.7)});
  EXPECT_EQ(sum.n_active(), 0);
}

TEST(ComposeMasks, CalibratedMasksAreBroughtToOneSigma) {
  WeightedMask first = mask_of({1, 0, 1, 0}, 1.0);
  WeightedMask second = mask_of({0, 1, 0, 1}, 1.0);
  first.mask.sigma_rule = second.mask.sigma_rule = SigmaRule::kCalibrated;
  second.mask.sigma = {3.0F, 1.0F};
  const Mask sum = compose_masks({first, second});
  EXPECT_EQ(sum.steer, (std::vector<float>{1.0F, 3.0F, 1.0F, 0.5F}));
}

TEST(ComposeMasks, WhatCannotBeAddedUpIsRefused) {
  WeightedMask other = mask_of({1, 0, 0, 0}, 1.0);
  other.mask.fingerprint = "g";
  expect_error(ErrorKind::kMismatch, "different models", [&] {
    (void)compose_masks({mask_of({1, 0, 0, 0}, 1.0), other});
  });
  expect_error(ErrorKind::kUsage, "no mask", [] { (void)compose_masks({}); });
}

TEST(ComposeMasks, MasksOfDifferentRulesKeepAMatrixForEachRule) {
  WeightedMask calibrated = mask_of({4, 0, 0, 1}, 0.5);
  calibrated.mask.sigma_rule = SigmaRule::kCalibrated;
  calibrated.mask.sigma = {3.0F, 1.0F};
  const Mask sum = compose_masks({mask_of({1, 0, 0, 0}, 2.0), calibrated});
  EXPECT_EQ(sum.sigma_rule, SigmaRule::kToken);
  EXPECT_EQ(sum.steer, (std::vector<float>{2, 0, 0, 0}));
  ASSERT_EQ(sum.parts.size(), 1U);
  EXPECT_EQ(sum.parts[0].sigma_rule, SigmaRule::kCalibrated);
  EXPECT_EQ(sum.parts[0].steer, (std::vector<float>{6, 0, 0, 0.25F}));  // in units of sigma 1 and 2
  EXPECT_EQ(sum.sigma, (std::vector<float>{1, 2}));
  EXPECT_EQ(sum.n_active(), 2);
  EXPECT_TRUE(sum.uses(SigmaRule::kToken) && sum.uses(SigmaRule::kCalibrated));
  EXPECT_FALSE(sum.uses(SigmaRule::kBatch));
  EXPECT_FALSE(sum.is_zero(0) || sum.is_zero(1));
}

TEST(ComposeMasks, ASumOfSumsIsTheSum) {
  WeightedMask token = mask_of({1, 0, 2, 0}, 0.5);
  WeightedMask calibrated = mask_of({0, 1, 0, 4}, 0.25);
  calibrated.mask.sigma_rule = SigmaRule::kCalibrated;
  const WeightedMask both{compose_masks({token, calibrated}), 2.0, "both"};
  const Mask sum = compose_masks({both, token});
  EXPECT_EQ(sum.steer, (std::vector<float>{1.5F, 0, 3, 0}));
  ASSERT_EQ(sum.parts.size(), 1U);
  EXPECT_EQ(sum.parts[0].steer, (std::vector<float>{0, 0.5F, 0, 2}));
}

TEST(CompareMasks, DifferentRulesCountInUnitsOfTheMeanSigma) {
  WeightedMask calibrated = mask_of({0, 0, -1, 0}, 1.0);
  calibrated.mask.sigma_rule = SigmaRule::kCalibrated;
  calibrated.mask.sigma = {1.0F, 4.0F};
  const auto found = compare_masks(mask_of({0, 0, 1, 0}, 1.0), calibrated);
  ASSERT_EQ(found.conflicts.size(), 1U);
  EXPECT_EQ(found.conflicts[0].second, -2.0);
}

TEST(CompareMasks, AMaskIsLikeItself) {
  const auto found = compare_masks(mask_of({1, 0, -2, 0.5}, 1.0), mask_of({1, 0, -2, 0.5}, 1.0));
  EXPECT_NEAR(found.cosine, 1.0, 1e-12);
  EXPECT_EQ(found.difference, 0.0);
  EXPECT_EQ(found.n_shared, 3);
  EXPECT_TRUE(found.conflicts.empty());
  EXPECT_EQ(found.cancelled, 0.0);
}

TEST(CompareMasks, OppositePullsAreFoundStrongestFirst) {
  const auto found = compare_masks(mask_of({1, -3, 2, 0}, 1.0), mask_of({-0.5, 3, 2, 1}, 1.0));
  ASSERT_EQ(found.conflicts.size(), 2U);
  EXPECT_EQ(found.conflicts[0].i_layer, 0);
  EXPECT_EQ(found.conflicts[0].i_expert, 1);
  EXPECT_EQ(found.conflicts[0].first, -3.0);
  EXPECT_NEAR(found.cancelled, (1.0 + 6.0) / 12.5, 1e-12);
}

}  // namespace
}  // namespace mascing
