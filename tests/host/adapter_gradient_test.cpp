// Derivatives by the two matrices of a router adapter.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "gradient_check.h"
#include "mascing/model_info.h"
#include "zoo.h"

namespace mascing {
namespace {

std::string model_file(const std::string& name) {
  const std::string path = std::string(MASCING_ZOO) + "/adapter-" + name + ".gguf";
  write_zoo_model(zoo_model(name), 1, path);
  return path;
}

TEST(AdapterGradient, MatchesDifferences) {
  for (const char* name : {"qwen3moe", "gpt-oss", "deepseek2", "qwen2moe"}) {
    const auto host = open_differentiable(model_file(name));
    const ModelInfo& info = host->describe();
    GradientRequest request = random_request(info, SigmaRule::kToken);
    request.steering.mask = normal_adapter(info, 3, 5);
    const DerivativeCheck check = check_derivatives(*host, request);
    EXPECT_EQ(check.n_entry, info.n_layer * 3 * info.n_expert) << name;
    EXPECT_GE(check.n_smooth, check.n_entry / 2) << name;
    EXPECT_LT(check.worst, 1e-3) << name;
  }
}

// The push of rank r is linear in `up` and in `down`, so both have the same product with their
// derivatives, in each layer.
TEST(AdapterGradient, ByDownBelongsToThatByUp) {
  const auto host = open_differentiable(model_file("qwen3moe"));
  const ModelInfo& info = host->describe();
  constexpr int64_t kRank = 3;
  GradientRequest by_up = random_request(info, SigmaRule::kToken);
  by_up.steering.mask = normal_adapter(info, kRank, 5);
  GradientRequest by_down = by_up;
  by_down.is_by_down = true;
  const auto both = host->gradients({by_up, by_down});
  ASSERT_TRUE(both.at(0).ok() && both.at(1).ok());
  const RouterAdapter& adapter = by_up.steering.mask->adapter;
  const std::vector<float>& d_up = both[0].value.d_steer.at(0);
  const std::vector<float>& d_down = both[1].value.d_steer.at(0);
  ASSERT_EQ(d_up.size(), adapter.up.size());
  ASSERT_EQ(d_down.size(), adapter.down->size());
  const auto product = [](const float* a, const float* b, int64_t n) {
    return std::inner_product(a, a + n, b, 0.0);
  };
  for (int64_t i = 0; i < info.n_layer * kRank; ++i) {
    const double of_up = product(
        adapter.up.data() + i * info.n_expert, d_up.data() + i * info.n_expert, info.n_expert);
    const double of_down = product(
        adapter.down->data() + i * info.n_embd, d_down.data() + i * info.n_embd, info.n_embd);
    EXPECT_NEAR(of_down, of_up, 1e-4 + 1e-3 * std::abs(of_up)) << i;
    EXPECT_GT(std::abs(of_up), 1e-6) << i;
  }
}

TEST(AdapterGradient, ByDownNeedsAnAdapter) {
  const auto host = open_differentiable(model_file("qwen3moe"));
  GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
  request.is_by_down = true;
  const auto results = host->gradients({request});
  ASSERT_FALSE(results.at(0).ok());
  EXPECT_NE(results[0].error.find("need a mask with an adapter"), std::string::npos);
}

// Requests of one batch may have a mask of either kind.
TEST(AdapterGradient, DoesNotDependOnItsNeighbours) {
  const auto host = open_differentiable(model_file("qwen3moe"));
  const GradientRequest matrix = random_request(host->describe(), SigmaRule::kToken);
  GradientRequest adapter = matrix;
  adapter.steering.mask = normal_adapter(host->describe(), 2, 6);
  const auto both = host->gradients({matrix, adapter});
  const auto alone = host->gradients({adapter});
  ASSERT_TRUE(both.at(0).ok() && both.at(1).ok() && alone.at(0).ok());
  EXPECT_EQ(both[0].value.d_steer.at(0).size(), matrix.steering.mask->steer.size());
  const std::vector<float>& beside = both[1].value.d_steer.at(0);
  const std::vector<float>& single = alone[0].value.d_steer.at(0);
  ASSERT_EQ(beside.size(), single.size());
  for (size_t i = 0; i < single.size(); ++i) {
    EXPECT_NEAR(beside[i], single[i], 1e-5) << i;
  }
}

}  // namespace
}  // namespace mascing
