// Two levels of a row, as EasySteer takes them.
#include "export/easysteer.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

Mask mask_of(const std::vector<float>& row) {
  Mask mask;
  mask.n_layer = 2;
  mask.n_expert = static_cast<int64_t>(row.size());
  mask.steer.assign(row.size(), 0.0F);
  mask.steer.insert(mask.steer.end(), row.begin(), row.end());
  mask.sigma = {1.0F, 1.0F};
  mask.blocks = {3, 7};
  return mask;
}

TEST(EasySteer, ARowOfTwoLevelsIsKeptWhole) {
  const auto layers = easysteer_layers(mask_of({0, 2, 0, 0, 2, 0, 0, 0}), 0.5);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].i_layer, 1);
  EXPECT_THAT(layers[0].experts, testing::ElementsAre(1, 4));
  // torch.std divides by E - 1, the mask's sigma by E.
  EXPECT_NEAR(layers[0].lambda, 0.5 * 2.0 * std::sqrt(7.0 / 8.0), 1e-12);
  EXPECT_NEAR(layers[0].explained, 1.0, 1e-12);
}

TEST(EasySteer, ASuppressedMinorityGetsANegativeStrength) {
  const auto layers = easysteer_layers(mask_of({1, 1, 1, -1, 1, 1}), 1.0);
  EXPECT_THAT(layers[0].experts, testing::ElementsAre(3));
  EXPECT_NEAR(layers[0].lambda, -2.0 * std::sqrt(5.0 / 6.0), 1e-12);
}

TEST(EasySteer, ThreeLevelsLoseSomeOfTheRow) {
  const auto layers = easysteer_layers(mask_of({-1, 0, 0, 0, 0, 1}), 1.0);
  EXPECT_GT(layers[0].explained, 0.3);
  EXPECT_LT(layers[0].explained, 0.9);
}

TEST(EasySteer, AShiftOfAWholeRowIsNoSteering) {
  EXPECT_TRUE(easysteer_layers(mask_of({2, 2, 2, 2}), 1.0).empty());
}

TEST(EasySteer, WritesTheJsonOfItsDocumentation) {
  const TemporaryFolder folder;
  const Mask mask = mask_of({0, 2, 0, 0});
  write_easysteer(folder.path("m.json"), mask, easysteer_layers(mask, 1.0));
  const auto value = nlohmann::json::parse(read_text_file(folder.path("m.json")));
  const auto& layer = value.at("layer_configs").at("7");
  EXPECT_EQ(layer.at("mode"), "soft");
  EXPECT_EQ(layer.at("expert_ids"), (std::vector<int64_t>{1}));
  EXPECT_GT(layer.at("lambda").get<double>(), 1.0);
  EXPECT_EQ(value.at("layer_configs").size(), 1U);
  expect_error(
      ErrorKind::kInsufficient, "empty", [&] { write_easysteer(folder.path("e.json"), mask, {}); });
}

}  // namespace
}  // namespace mascing
