// The space of router adapters, on a model with random weights.
#include "search/adapter_space.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/temporary_folder.h"
#include "gradient_check.h"
#include "host/llama/adapter_push.h"
#include "mascing/model_info.h"
#include "stage/adapter_directions.h"
#include "zoo.h"

namespace mascing {
namespace {

class AdapterSpaceTest : public testing::Test {
 protected:
  AdapterSpaceTest() {
    const std::string path = folder.path("space.gguf");
    write_zoo_model(zoo_model("qwen3moe"), 1, path);
    host = open_differentiable(path);
    zero = zero_mask(host->describe());
    for (size_t l = 0; l < zero.sigma.size(); ++l) {
      zero.sigma[l] = 0.5F + static_cast<float>(l);
    }
    Rng rng(3);
    OutcomeSet set;
    set.texts.resize(10);
    for (ScoredText& text : set.texts) {
      for (int i = 0; i < 20; ++i) {
        text.tokens.push_back(static_cast<int32_t>(rng.below(96)));
      }
    }
    sets = {set};
  }

  AdapterSpace space_of(int64_t n_most) {
    CachedEvaluator evaluator(*host, Cache(folder.path("cache"), "model"), {}, {});
    return make_adapter_space(evaluator, sets, zero, 7, n_most);
  }
  /// Sum over the texts' tokens of the squares of down . x, [L][R].
  std::vector<std::vector<double>> squares(const RouterAdapter& adapter) {
    std::vector<std::vector<double>> sums(zero.n_layer, std::vector<double>(adapter.rank, 0.0));
    for (const ScoredText& text : sets[0].texts) {
      (void)host->observe({{text.tokens, {0, std::ssize(text.tokens)}, {}}},
                          [&](const RouterView& view) {
                            for (int64_t r = 0; r < adapter.rank; ++r) {
                              double dot = 0.0;
                              for (int64_t d = 0; d < adapter.n_embd; ++d) {
                                dot += adapter.down_row(view.i_layer, r)[d] * view.input[d];
                              }
                              sums[view.i_layer][r] += dot * dot;
                            }
                          });
    }
    return sums;
  }

  TemporaryFolder folder;
  std::unique_ptr<Host> host;
  Mask zero;
  std::vector<OutcomeSet> sets;
};

TEST_F(AdapterSpaceTest, EachComponentOfTheInputCountsAsOneSigma) {
  const AdapterSpace space = space_of(kMostAdapterValues);
  const RouterAdapter& adapter = space.mask.adapter;
  EXPECT_EQ(adapter.rank, host->describe().n_embd);
  EXPECT_EQ(space.n_token, 200);
  EXPECT_EQ(space.mask.n_active(), 0);
  space.mask.validate();
  const auto sums = squares(adapter);
  for (int64_t l = 0; l < zero.n_layer; ++l) {
    for (int64_t r = 0; r < adapter.rank; ++r) {
      EXPECT_NEAR(std::sqrt(sums[l][r] / 200.0), zero.sigma[l], 1e-3) << l << " " << r;
    }
  }
}

TEST_F(AdapterSpaceTest, AWideRouterIsReadThroughWhatSomeTokensSpan) {
  const ModelInfo& info = host->describe();
  const AdapterSpace space = space_of(4 * info.n_layer * info.n_expert);
  EXPECT_EQ(space.mask.adapter.rank, 4);
  space.mask.validate();
  // 4 directions of the whitened inputs hold more than their even share of the energy.
  const auto sums = squares(space.mask.adapter);
  for (int64_t l = 0; l < zero.n_layer; ++l) {
    double sum = 0.0;
    for (const double square : sums[l]) {
      EXPECT_GT(square, 0.0);
      sum += square / 200.0;
    }
    EXPECT_GT(sum, 4.0 * zero.sigma[l] * zero.sigma[l]);
  }
  EXPECT_EQ(space_of(4 * info.n_layer * info.n_expert).mask.adapter.down->values(),
            space.mask.adapter.down->values())
      << "a seed reproduces the bytes";
}

TEST_F(AdapterSpaceTest, FewTokensSpanFewDirectionsAndNoneAreAnError) {
  const ModelInfo& info = host->describe();
  sets[0].texts.resize(1);
  sets[0].texts[0].tokens.resize(3);
  EXPECT_EQ(space_of(4 * info.n_layer * info.n_expert).mask.adapter.rank, 3);
  EXPECT_EQ(space_of(kMostAdapterValues).mask.adapter.rank, info.n_embd);
  sets[0].texts.clear();
  EXPECT_THROW((void)space_of(kMostAdapterValues), Error);
}

TEST_F(AdapterSpaceTest, TextsThatAreTooLongAreCounted) {
  sets[0].name = "tales";
  EXPECT_TRUE(space_of(kMostAdapterValues).left_out.empty());
  sets[0].texts[4].tokens.assign(600, 1);  // the context has 512
  const AdapterSpace space = space_of(kMostAdapterValues);
  EXPECT_EQ(space.n_token, 180);
  EXPECT_EQ(space.left_out.words(),
            "1 of 10 of 'tales'; the first because: too long: 600 tokens, the context size is 512");
  // Fewer directions do where fewer tokens are left.
  sets[0].texts = {sets[0].texts[4], sets[0].texts[5]};
  sets[0].texts[1].tokens.resize(3);
  const ModelInfo& info = host->describe();
  EXPECT_EQ(space_of(4 * info.n_layer * info.n_expert).mask.adapter.rank, 3);
}

TEST_F(AdapterSpaceTest, TheRankOfWideModelsIsBounded) {
  ModelInfo info;
  info.n_layer = 48;
  info.n_expert = 128;
  info.n_embd = 2048;
  EXPECT_EQ(adapter_rank(info), 170);
  info.n_layer = 32;
  info.n_expert = 8;
  info.n_embd = 4096;
  EXPECT_EQ(adapter_rank(info), 1024);
}

TEST_F(AdapterSpaceTest, TheLeastRankPushesAsBefore) {
  const int64_t n_expert = zero.n_expert;
  const auto wide = normal_adapter(host->describe(), n_expert + 5, 9);
  const Mask narrow = with_least_rank(*wide);
  narrow.validate();
  EXPECT_EQ(narrow.adapter.rank, n_expert);
  EXPECT_EQ(narrow.n_active(), wide->n_active());
  Rng rng(4);
  std::vector<float> input(host->describe().n_embd);
  for (float& value : input) {
    value = static_cast<float>(rng.normal());
  }
  for (int64_t l = 0; l < zero.n_layer; ++l) {
    std::vector<float> expected(n_expert, 0.0F);
    std::vector<float> found(n_expert, 0.0F);
    add_adapter(*wide, l, input.data(), 0.7F, expected.data());
    add_adapter(narrow, l, input.data(), 0.7F, found.data());
    for (int64_t e = 0; e < n_expert; ++e) {
      EXPECT_NEAR(found[e], expected[e], 1e-4) << l << " " << e;
      EXPECT_NEAR(narrow.total()[l * n_expert + e], wide->total()[l * n_expert + e], 1e-5);
    }
  }
  const auto small = normal_adapter(host->describe(), 2, 9);
  EXPECT_EQ(with_least_rank(*small).adapter.up, small->adapter.up);
}

}  // namespace
}  // namespace mascing
