// Choices of experts whose outcome was worked out by hand, and slopes against differences.
#include "format/expert_choice.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "format/model_choice.h"

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int32_t> chosen(const LayerChoice& choice,
                            const std::vector<float>& logits,
                            int64_t k) {
  std::vector<int32_t> experts;
  choose_experts(choice, logits.data(), std::ssize(logits), k, experts);
  return experts;
}

/// One layer with a bias and two groups of two, of which one is used.
RouterTraits traits_of(const std::string& gating) {
  RouterTraits traits;
  traits.gating = gating;
  traits.is_known_architecture = true;
  traits.n_group = 2;
  traits.n_group_used = 1;
  traits.has_selection_bias = {true};
  traits.selection_bias = {{0.1F, 0.0F, 0.0F, 0.2F}};
  traits.is_chosen_by_token = {false};
  return traits;
}

TEST(ExpertChoice, AsItStandsTheLargestLogitsAreTakenAndTheFirstOfEqualOnes) {
  EXPECT_THAT(chosen({}, {1.0F, 3.0F, 2.0F, 3.0F}, 2), ElementsAre(1, 3));
  EXPECT_THAT(chosen({}, {1.0F, 1.0F, 1.0F}, 2), ElementsAre(0, 1));
}

// sigmoid(4) = 0.982, sigmoid(3) = 0.953, sigmoid(0) = 0.5: a bias of 0.04 outdoes one logit.
TEST(ExpertChoice, ABiasIsAddedBehindTheGating) {
  LayerChoice choice;
  choice.bias = {0.0F, 0.04F, 0.0F};
  const std::vector<float> logits = {4.0F, 3.0F, 0.0F};
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(0)) << "added to the logits it is too little";
  choice.gate = Gate::kSigmoid;
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(1));
  choice.gate = Gate::kSoftmax;  // 0.721 and 0.265
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(0));
  choice.bias[1] = 0.5F;
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(1));
  choice.gate = Gate::kSqrtSoftplus;  // 2.0045 and 1.7459
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(1));
  choice.bias[1] = 0.25F;
  EXPECT_THAT(chosen(choice, logits, 1), ElementsAre(0));
}

// The first group has the best expert, the second the best pair.
TEST(ExpertChoice, OnlyTheGroupsWithTheBestPairsAreChosenFrom) {
  LayerChoice choice;
  choice.n_group = 2;
  choice.n_group_used = 1;
  const std::vector<float> logits = {5.0F, 0.0F, 1.0F, 2.0F, 4.0F, 3.0F};
  EXPECT_THAT(chosen(choice, logits, 2), ElementsAre(4, 5)) << "4 + 3 against 5 + 1";
  const std::vector<ExpertGroup> groups = rank_groups(choice, logits);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].i_group, 1);
  EXPECT_EQ(groups[0].best, 4);
  EXPECT_EQ(groups[0].second, 5);
  EXPECT_EQ(groups[0].sum, 7.0F);
  EXPECT_EQ(groups[1].best, 0);
  EXPECT_EQ(groups[1].second, 2);
  choice.n_group_used = 2;
  EXPECT_THAT(chosen(choice, logits, 2), ElementsAre(0, 4));
}

TEST(ExpertChoice, FollowsTheTraitsOfALayer) {
  const LayerChoice choice = layer_choice(traits_of("sigmoid"), 0);
  EXPECT_EQ(choice.gate, Gate::kSigmoid);
  EXPECT_FALSE(choice.ignores_shift());
  EXPECT_THAT(choice.bias, ElementsAre(0.1F, 0.0F, 0.0F, 0.2F));
  EXPECT_EQ(choice.n_group_used, 1);
  EXPECT_EQ(layer_choice(traits_of("softmax_weight"), 0).gate, Gate::kLogits);
  EXPECT_TRUE(layer_choice(traits_of("softmax"), 0).ignores_shift());
  RouterTraits plain;
  plain.gating = "sigmoid";
  EXPECT_EQ(layer_choice(plain, 3).gate, Gate::kLogits) << "it cannot change the order";
  RouterTraits by_token = traits_of("sqrt_softplus");
  by_token.is_chosen_by_token = {true};
  EXPECT_TRUE(layer_choice(by_token, 0).is_by_token);
}

TEST(ExpertChoice, SaysWhyItIsUnknown) {
  const auto why = [](const RouterTraits& traits) { return why_choice_unknown(traits, 4); };
  EXPECT_EQ(why(traits_of("sigmoid")), "");
  EXPECT_THAT(why(traits_of("unknown")), HasSubstr("gating"));
  RouterTraits traits = traits_of("sigmoid");
  traits.is_known_architecture = false;
  EXPECT_THAT(why(traits), HasSubstr("architecture"));
  traits = traits_of("sigmoid");
  traits.selection_bias[0].clear();
  EXPECT_THAT(why(traits), HasSubstr("bias cannot be read"));
  traits = traits_of("sigmoid");
  traits.n_group = 4;
  EXPECT_THAT(why(traits), HasSubstr("groups")) << "of one expert each";
  EXPECT_EQ(why(RouterTraits()), "") << "by logits";
}

TEST(ExpertChoice, SlopesAgreeWithDifferences) {
  const std::vector<float> logits = {0.5F, -1.0F, 2.0F, 0.0F};
  const std::vector<float> weights = {1.0F, -2.0F, 0.5F, 3.0F};
  constexpr float kStep = 0.01F;
  for (const Gate gate : {Gate::kLogits, Gate::kSoftmax, Gate::kSigmoid, Gate::kSqrtSoftplus}) {
    LayerChoice choice;
    choice.gate = gate;
    choice.bias = {0.0F, 0.5F, -0.5F, 0.25F};
    std::vector<float> slopes;
    selection_slopes(choice, logits.data(), 4, slopes);
    std::vector<float> pulled = weights;
    pull_to_logits(choice, logits.data(), pulled);
    for (size_t i = 0; i < 4; ++i) {
      std::vector<float> moved = logits;
      std::vector<float> above;
      std::vector<float> below;
      moved[i] = logits[i] + kStep;
      selection_scores(choice, moved.data(), 4, above);
      moved[i] = logits[i] - kStep;
      selection_scores(choice, moved.data(), 4, below);
      EXPECT_NEAR(slopes[i], (above[i] - below[i]) / (2.0F * kStep), 1e-3);
      float sum = 0.0F;
      for (size_t j = 0; j < 4; ++j) {
        sum += weights[j] * (above[j] - below[j]) / (2.0F * kStep);
      }
      EXPECT_NEAR(pulled[i], sum, 2e-3);
    }
  }
}

/// Two layers of two experts, one for a token; the second has a selection bias.
void write_biased_model(const std::string& path) {
  GgufWriter writer;
  writer.set_string("general.architecture", "deepseek2");
  for (const char* key : {"block_count", "embedding_length", "expert_count"}) {
    writer.set_uint32(std::string("deepseek2.") + key, 2);
  }
  writer.set_uint32("deepseek2.context_length", 128);
  writer.set_uint32("deepseek2.expert_used_count", 1);
  writer.set_uint32("deepseek2.expert_gating_func", 2);
  writer.set_string_array("tokenizer.ggml.tokens", {"a", "b"});
  const float weight[] = {1, 2, 3, 4};
  const float bias[] = {0.5F, -0.25F};
  for (const char* block : {"blk.0.", "blk.1."}) {
    writer.add_tensor_f32(std::string(block) + "ffn_gate_inp.weight", {2, 2}, weight);
  }
  writer.add_tensor_f32("blk.1.exp_probs_b.bias", {2}, bias);
  writer.write(path);
}

TEST(RouterTraits, HaveTheValuesOfBiasesThatCanBeDecoded) {
  const TemporaryFolder folder;
  write_biased_model(folder.path("m.gguf"));
  const RouterTraits traits = read_router_traits(open_model(folder.path("m.gguf")));
  EXPECT_THAT(traits.has_selection_bias, ElementsAre(false, true));
  EXPECT_THAT(traits.selection_bias[0], ElementsAre());
  EXPECT_THAT(traits.selection_bias[1], ElementsAre(0.5F, -0.25F));
  EXPECT_EQ(traits.gating, "sigmoid");
}

// sigmoid(0) + 0.5 = 1, sigmoid(0.5) - 0.25 = 0.372.
TEST(ModelChoice, IsThatOfTheFile) {
  const TemporaryFolder folder;
  write_biased_model(folder.path("m.gguf"));
  const ModelInfo info = read_model_info(folder.path("m.gguf"));
  const ModelChoice choice = read_model_choice(info);
  const std::vector<float> logits = {0.0F, 0.5F};
  EXPECT_EQ(choice.why_by_logits(), "");
  EXPECT_THAT(choice.experts(0, logits.data()), ElementsAre(1)) << "no bias";
  EXPECT_THAT(choice.experts(1, logits.data()), ElementsAre(0));
  EXPECT_NE(choice.key(), "");
  EXPECT_TRUE(choice.layers_by_token().empty());
  ModelInfo lost = info;
  lost.path = folder.path("lost.gguf");
  const ModelChoice by_logits = read_model_choice(lost);
  EXPECT_EQ(by_logits.why_by_logits(), "the model's file cannot be read");
  EXPECT_THAT(by_logits.experts(1, logits.data()), ElementsAre(1));
  EXPECT_EQ(by_logits.key(), "");
}

TEST(ModelChoice, IsEmptyWhereTheTokenDecidesAndByLogitsWhereItCannotBeFollowed) {
  ModelInfo info;
  info.n_layer = 1;
  info.n_expert = 4;
  info.n_expert_used = 2;
  const std::vector<float> logits = {0.0F, 3.0F, 1.0F, 2.0F};
  RouterTraits traits = traits_of("sigmoid");
  traits.is_chosen_by_token = {true};
  const ModelChoice by_token(info, {traits, ""});
  EXPECT_TRUE(by_token.experts(0, logits.data()).empty());
  EXPECT_THAT(by_token.layers_by_token(), ElementsAre(0));
  EXPECT_NE(by_token.key(), "");
  const ModelChoice groups(info, {traits_of("sigmoid"), ""});
  EXPECT_THAT(groups.experts(0, logits.data()), ElementsAre(2, 3)) << "of the better pair";
  const ModelChoice unknown(info, {{}, "its gating is not stated"});
  EXPECT_THAT(unknown.experts(0, logits.data()), ElementsAre(1, 3));
  EXPECT_EQ(unknown.why_by_logits(), "its gating is not stated");
}

}  // namespace
}  // namespace mascing
