// What the host shows of routers and outputs, against the model file and against the host itself.
#include <cmath>
#include <cstring>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/numeric.h"
#include "base/temporary_folder.h"
#include "demo.h"
#include "export/calibration.h"
#include "export/fidelity.h"
#include "export/lora.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "mascing/tensor_codec.h"
#include "stage/selection_rates.h"
#include "tolerance.h"

namespace mascing {
namespace {

TraceRequest whole(const Prompt& prompt, const Steering& steering = {}) {
  return {prompt.tokens, {0, static_cast<int64_t>(prompt.tokens.size())}, steering};
}

class ObserveTest : public testing::Test {
 protected:
  std::unique_ptr<Host> host_ = open_llama_host(demo_options());
  std::vector<Prompt> prompts_ = demo_prompts(*host_, 3);
};

TEST_F(ObserveTest, InputsTimesTheRoutersWeightAreTheLogits) {
  const OpenModel model = open_model(demo_model());
  const ModelInfo& info = host_->describe();
  int64_t n_seen = 0;
  const auto errors = host_->observe({whole(prompts_[0])}, [&](const RouterView& view) {
    const GgufTensor& weight = *model.routers[view.i_layer].weight;
    std::vector<float> w(static_cast<size_t>(info.n_embd * info.n_expert));
    std::memcpy(w.data(), weight.data, weight.size_bytes);
    for (int64_t e = 0; e < info.n_expert; ++e) {
      double z = 0.0;
      for (int64_t d = 0; d < info.n_embd; ++d) {
        z += static_cast<double>(w[e * info.n_embd + d]) * static_cast<double>(view.input[d]);
      }
      ASSERT_NEAR(view.logits[e], z, tolerance(1e-3, 1e-2)) << "layer " << view.i_layer;
      ASSERT_EQ(view.logits[e], view.steered[e]);
    }
    ++n_seen;
  });
  EXPECT_THAT(errors, testing::ElementsAre(""));
  EXPECT_EQ(n_seen, static_cast<int64_t>(prompts_[0].tokens.size()) * info.n_layer);
}

TEST_F(ObserveTest, SteeredLogitsAreTheLogitsPlusTheMask) {
  const auto mask = random_mask(host_->describe(), 5);
  mask->sigma_rule = SigmaRule::kCalibrated;
  (void)host_->observe({whole(prompts_[1], {mask, 0.5F})}, [&](const RouterView& view) {
    for (int64_t e = 0; e < mask->n_expert; ++e) {
      const float push = 0.5F * mask->sigma[view.i_layer] * mask->row(view.i_layer)[e];
      ASSERT_NEAR(view.steered[e], view.logits[e] + push, 1e-5);
    }
  });
}

TEST_F(ObserveTest, APartOfAnotherSigmaRuleAddsItsOwnPush) {
  const auto mask = random_mask(host_->describe(), 5);
  const auto other = random_mask(host_->describe(), 6);
  mask->sigma_rule = SigmaRule::kCalibrated;
  mask->parts = {{SigmaRule::kToken, other->steer}};
  int64_t n_seen = 0;
  (void)host_->observe({whole(prompts_[1], {mask, 0.5F})}, [&](const RouterView& view) {
    double mean = 0.0;
    double square = 0.0;
    const auto n = static_cast<double>(mask->n_expert);
    for (int64_t e = 0; e < mask->n_expert; ++e) {
      mean += static_cast<double>(view.logits[e]) / n;
    }
    for (int64_t e = 0; e < mask->n_expert; ++e) {
      square += std::pow(static_cast<double>(view.logits[e]) - mean, 2) / n;
    }
    for (int64_t e = 0; e < mask->n_expert; ++e) {
      const double push =
          0.5 * (mask->sigma[view.i_layer] * mask->row(view.i_layer)[e] +
                 std::sqrt(square) * static_cast<double>(other->row(view.i_layer)[e]));
      ASSERT_NEAR(view.steered[e], view.logits[e] + push, 1e-5);
    }
    ++n_seen;
  });
  EXPECT_GT(n_seen, 0);
}

TEST_F(ObserveTest, ASpanShowsItsTokensAndNoOthersWhateverThePieces) {
  LlamaHostOptions options = demo_options();
  options.n_batch = 16;
  options.n_parallel = 16;
  const auto pieces = open_llama_host(options);
  TraceRequest request = whole(prompts_[2]);
  request.span = {5, 23};
  for (Host* host : {host_.get(), pieces.get()}) {
    std::vector<int64_t> tokens;
    (void)host->observe({request}, [&](const RouterView& view) {
      if (view.i_layer == 3) {
        tokens.push_back(view.i_token);
      }
    });
    ASSERT_EQ(tokens.size(), 18U);
    EXPECT_EQ(tokens.front(), 5);
    EXPECT_EQ(tokens.back(), 22);
  }
}

TEST_F(ObserveTest, OutputsAgreeWithTheScoresOfTheSameTokens) {
  const Prompt& prompt = prompts_[0];
  const auto scores = host_->score({{prompt.tokens, 1, {}, false}});
  const int64_t n_vocab = host_->describe().n_vocab;
  double log_prob = 0.0;
  (void)host_->observe_outputs({whole(prompt)}, [&](const OutputView& view) {
    const auto next = static_cast<size_t>(view.i_token + 1);
    if (next < prompt.tokens.size()) {
      double sum = 0.0;
      for (int64_t v = 0; v < n_vocab; ++v) {
        sum += std::exp(static_cast<double>(view.logits[v]));
      }
      log_prob += static_cast<double>(view.logits[prompt.tokens[next]]) - std::log(sum);
    }
  });
  EXPECT_NEAR(log_prob, scores[0].value.log_prob, 1e-2);
}

TEST_F(ObserveTest, AnImpossibleRequestIsNamedAndTheOthersGoOn) {
  TraceRequest empty = whole(prompts_[0]);
  empty.span = {3, 3};
  int64_t n_seen = 0;
  const auto errors = host_->observe({empty, whole(prompts_[1])},
                                     [&](const RouterView& view) { n_seen += view.i_request; });
  EXPECT_FALSE(errors[0].empty());
  EXPECT_TRUE(errors[1].empty());
  EXPECT_GT(n_seen, 0);
}

TEST_F(ObserveTest, WhatTheObserverThrowsComesThroughAndTheHostLivesOn) {
  EXPECT_THROW((void)host_->observe({whole(prompts_[0])},
                                    [](const RouterView&) { throw std::runtime_error("enough"); }),
               std::runtime_error);
  EXPECT_TRUE(host_->trace({whole(prompts_[0])}).at(0).ok());
}

TEST_F(ObserveTest, AModelIsLikeItself) {
  const auto other = open_llama_host(demo_options());
  const FidelityRecord record = compare_forms(*host_, *other, demo_attacks(3), {}, {8, {}});
  EXPECT_EQ(record.n_reply_changed, 0);
  EXPECT_EQ(record.divergence, 0.0);
  EXPECT_GT(record.n_token, 0);
  EXPECT_THAT(record.same_experts, testing::Each(1.0));
}

TEST_F(ObserveTest, AnAdapterOnTheRoutersComesNearTheExactMask) {
  const TemporaryFolder folder;
  const auto mask = random_mask(host_->describe(), 9);
  const Steering steering{mask, 1.0F};
  const auto samples =
      calibration_samples(*host_, demo_attacks(40), steering, {4000, 16, 0}).samples;
  FitOptions options;
  options.n_max_token = 4000;
  const RouterUpdate update = fit_router_update(*host_, *mask, 1.0, samples, options);
  write_lora(folder.path("a.gguf"), update);
  LlamaHostOptions with_adapter = demo_options();
  with_adapter.adapters = {{folder.path("a.gguf"), 1.0F}};
  const auto exported = open_llama_host(with_adapter);
  const FidelityRecord record =
      compare_forms(*host_, *exported, demo_attacks(6), steering, {8, {}});
  for (const double overlap : record.overlap) {
    EXPECT_GT(overlap, 0.8);
  }
  EXPECT_LT(record.divergence, 0.5 * record.divergence_unsteered);
}

TEST_F(ObserveTest, AnAdapterAtScaleZeroChangesNothing) {
  const TemporaryFolder folder;
  RouterUpdate update;
  const ModelInfo& info = host_->describe();
  update.n_layer = info.n_layer;
  update.n_expert = info.n_expert;
  update.n_embd = info.n_embd;
  update.blocks = info.blocks;
  update.origin = origin_of(*random_mask(info, 1), 1.0);
  LayerUpdate layer;
  layer.i_layer = 2;
  layer.rank = 1;
  layer.down.assign(static_cast<size_t>(info.n_embd), 1.0F);
  layer.up.assign(static_cast<size_t>(info.n_expert), 1.0F);
  layer.up[0] = 9.0F;
  update.layers = {layer};
  write_lora(folder.path("a.gguf"), update);
  const auto trace_at = [&](float scale) {
    LlamaHostOptions options = demo_options();
    options.adapters = {{folder.path("a.gguf"), scale}};
    return open_llama_host(options)->trace({whole(prompts_[0])}).at(0).value.logits;
  };
  const auto plain = host_->trace({whole(prompts_[0])}).at(0).value.logits;
  EXPECT_EQ(trace_at(0.0F), plain);
  EXPECT_NE(trace_at(1.0F), plain);
}

TEST(GgmlCodec, QuantisesAndRestoresWithinTheTypesPrecision) {
  constexpr int64_t kN = 256;
  std::vector<float> values(kN);
  for (int64_t i = 0; i < kN; ++i) {
    values[i] = std::sin(0.1F * static_cast<float>(i));
  }
  for (const int32_t type : {0, 1, 2, 8, 12, 14, 30}) {
    ASSERT_TRUE(ggml_codec().can_encode(type)) << type;
    std::vector<std::byte> bytes(static_cast<size_t>(gguf_row_bytes(type, kN)));
    std::vector<float> back(kN);
    ggml_codec().encode(type, values.data(), 1, kN, bytes.data());
    ggml_codec().decode(type, bytes.data(), kN, back.data());
    const float tolerance = type == 2 || type == 12 ? 0.15F : 0.05F;
    for (int64_t i = 0; i < kN; ++i) {
      ASSERT_NEAR(back[i], values[i], tolerance) << gguf_type_name(type);
    }
  }
  EXPECT_FALSE(ggml_codec().can_encode(26));  // i32
  EXPECT_FALSE(ggml_codec().can_encode(-1));
}

TEST_F(ObserveTest, SelectionRatesCountTheLargestSteeredLogits) {
  const ModelInfo& info = host_->describe();
  const auto mask = std::make_shared<Mask>(zero_mask(info));
  mask->steer[3] = 1000.0F;               // layer 0: expert 3 always,
  mask->steer[info.n_expert] = -1000.0F;  // layer 1: expert 0 never
  const auto rates = selection_rates(
      *host_, {whole(prompts_[0]), whole(prompts_[0], {mask, 1.0F}), {{1, 2}, {1, 1}, {}}});
  for (const auto& side : {rates[0], rates[1]}) {
    ASSERT_TRUE(side.ok()) << side.error;
    EXPECT_EQ(side.value.n_token, std::ssize(prompts_[0].tokens));
    for (int64_t l = 0; l < info.n_layer; ++l) {
      const auto row = side.value.rates.begin() + l * info.n_expert;
      EXPECT_NEAR(
          std::accumulate(row, row + info.n_expert, 0.0), to_double(info.n_expert_used), 1e-9);
    }
  }
  EXPECT_EQ(rates[1].value.rates[3], 1.0);
  EXPECT_LT(rates[0].value.rates[3], 1.0);
  EXPECT_EQ(rates[1].value.rates[info.n_expert], 0.0);
  EXPECT_FALSE(rates[2].ok()) << "an empty span";
}

TEST_F(ObserveTest, AReplyIsWrittenByTheTokensBeforeItsOwn) {
  const TraceRequest request = written_by({1, 2, 3}, {4, 5}, {});
  EXPECT_THAT(request.tokens, testing::ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(request.span.begin, 2);
  EXPECT_EQ(request.span.end, 4);
  EXPECT_TRUE(written_by({1, 2, 3}, {}, {}).tokens.empty());
}

}  // namespace
}  // namespace mascing
