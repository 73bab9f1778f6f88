// Fit and check of models that choose experts by more than their logits: random models with a
// selection bias and with groups, against a naive count.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/half.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "export/check_form.h"
#include "export/choice_border.h"
#include "export/constant_direction.h"
#include "export/followed_choice.h"
#include "export/lora.h"
#include "export/obtain_update.h"
#include "host/fake_host.h"
#include "shape.h"
#include "small_model.h"

namespace mascing {
namespace {

constexpr int64_t kSeveral = 16;  // experts
constexpr int64_t kUsed = 4;

/// DeepSeek-V3 in small: two MoE layers (blocks 1 and 2).
ModelShape small_shape(int64_t n_group) {
  ModelShape shape = find_shape("DeepSeek-V3");
  shape.n_layer = 3;
  shape.n_dense_lead = 1;
  shape.n_embd = 128;
  shape.n_head = 4;
  shape.n_head_dim = 48;
  shape.latent = {.n_query_rank = 64, .n_key_rank = 64, .n_rope = 16, .n_value_dim = 32};
  shape.n_expert = kSeveral;
  shape.n_expert_used = kUsed;
  shape.n_expert_group = n_group;
  shape.n_group_used = n_group / 2;
  shape.n_ff_expert = shape.n_ff_shared = shape.n_ff_dense = 64;
  shape.n_vocab = 320;
  shape.n_context = 256;
  return shape;
}

/// What a router says of a token under the mask: in a range where a sigmoid is flat, so that
/// small biases count.
std::vector<float> steered_logits(int32_t token, int64_t i_token, int64_t i_layer, bool is_off) {
  Rng rng(mix_seed(mix_seed(static_cast<uint64_t>(token), static_cast<uint64_t>(i_token)),
                   static_cast<uint64_t>(i_layer)));
  std::vector<float> logits(kSeveral);
  for (int64_t e = 0; e < kSeveral; ++e) {
    logits[e] = 4.0F + static_cast<float>(rng.normal()) + 0.3F * static_cast<float>(e % 3);
  }
  for (float& logit : logits) {
    logit += is_off ? 0.4F * static_cast<float>(rng.normal()) : 0.0F;
  }
  return logits;
}

/// The exact form, which needs its mask, or one that is a little off. Outputs never differ.
class ChoosingHost : public FakeHost {
 public:
  ChoosingHost(const ModelInfo& info, bool is_off, std::vector<TraceRequest>& read)
      : info_(info), is_off_(is_off), read_(read) {}

  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& /*sampling*/) override {
    std::vector<Result<Reply>> replies(requests.size());
    for (size_t i = 0; i < replies.size(); ++i) {
      replies[i].value.text = "so be it";
      replies[i].value.tokens.resize(40);
      std::iota(replies[i].value.tokens.begin(),
                replies[i].value.tokens.end(),
                100 * static_cast<int32_t>(i + 1));
    }
    return replies;
  }
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override {
    for (const TraceRequest& request : requests) {
      EXPECT_NE(request.steering.mask != nullptr, is_off_);
      for (int64_t l = 0; l < info_.n_layer; ++l) {
        for (int64_t t = request.span.begin; t < request.span.end; ++t) {
          const std::vector<float> steered = steered_logits(request.tokens[t], t, l, is_off_);
          const std::vector<float> before(kSeveral, 0.0F);
          observer({0, t, l, nullptr, before.data(), steered.data()});
        }
      }
      read_.push_back(request);
    }
    return std::vector<std::string>(requests.size());
  }
  std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                           const OutputObserver& observer) override {
    const std::vector<float> same(info_.n_vocab, 0.0F);
    for (const TraceRequest& request : requests) {
      for (int64_t t = request.span.begin; t < request.span.end; ++t) {
        observer({0, t, same.data()});
      }
    }
    return std::vector<std::string>(requests.size());
  }

 private:
  ModelInfo info_;
  bool is_off_;
  std::vector<TraceRequest>& read_;
};

std::vector<size_t> best_of(const std::vector<float>& scores, size_t k) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

/// Sigmoid, bias, the better half of `n_group` groups (0 = no groups), the best.
std::vector<size_t> naive_choice(const std::vector<float>& logits,
                                 const std::vector<float>& bias,
                                 size_t n_group,
                                 size_t k) {
  std::vector<float> scores;
  for (size_t e = 0; e < logits.size(); ++e) {
    const double p = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[e])));
    scores.push_back(static_cast<float>(p) + bias[e]);
  }
  const size_t n = logits.size() / std::max<size_t>(n_group, 1);
  std::vector<float> worth;
  for (size_t g = 0; g < n_group; ++g) {
    std::vector<float> members(scores.begin() + static_cast<int64_t>(g * n),
                               scores.begin() + static_cast<int64_t>((g + 1) * n));
    std::sort(members.rbegin(), members.rend());
    worth.push_back(members.at(0) + members.at(1));
  }
  const std::vector<size_t> kept = best_of(worth, n_group / 2);
  for (size_t e = 0; e < scores.size() && n_group > 0; ++e) {
    if (std::find(kept.begin(), kept.end(), e / n) == kept.end()) {
      scores[e] = -INFINITY;
    }
  }
  return best_of(scores, k);
}

struct Shares {
  double same = 0.0;
  double overlap = 0.0;
};

/// Adds one token of `n`.
void compare(const std::vector<size_t>& a, const std::vector<size_t>& b, double n, Shares& shares) {
  std::vector<size_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  shares.same += both.size() == a.size() ? 1.0 / n : 0.0;
  shares.overlap += static_cast<double>(both.size()) / (n * static_cast<double>(a.size()));
}

class ChoiceOfModel : public testing::TestWithParam<int64_t> {};

// The model's file, through the options of an export, to the shares that are reported.
TEST_P(ChoiceOfModel, TheCheckReportsTheShareOfEqualExpertsAsTheModelChoosesThem) {
  const TemporaryFolder folder;
  ExportOptions options;
  options.model.path = folder.path("m.gguf");
  write_shape(small_shape(GetParam()), {.seed = 3}, options.model.path);
  const ModelInfo info = read_model_info(options.model.path);
  ASSERT_EQ(info.n_layer, 2);
  std::vector<TraceRequest> read;
  options.open_host = [&](const LlamaHostOptions& form) {
    return std::make_unique<ChoosingHost>(info, !form.adapters.empty(), read);
  };
  options.check.resize(6);
  for (size_t i = 0; i < options.check.size(); ++i) {
    options.check[i].messages = {{"user", "a ghost story of night " + std::to_string(i)}};
  }
  LlamaHostOptions exported = options.model;
  exported.adapters = {{"mask.gguf", 1.0F}};
  const FidelityRecord record = check_form(zero_mask(info), options, exported, {});
  ASSERT_EQ(read.size(), 2 * options.check.size());
  EXPECT_TRUE(follow_choice(options).warnings.empty());
  for (int64_t l = 0; l < 2; ++l) {
    const std::string block = std::to_string(info.blocks[l]);
    const std::vector<float> bias =
        tensor_values(options.model.path, "blk." + block + ".exp_probs_b.bias");
    Shares real;
    Shares by_logits;
    for (size_t i = 0; i < read.size(); i += 2) {  // both forms read the same text
      for (int64_t t = 0; t < read[i].span.end; ++t) {
        const std::vector<float> exact = steered_logits(read[i].tokens[t], t, l, false);
        const std::vector<float> off = steered_logits(read[i].tokens[t], t, l, true);
        const auto n = static_cast<double>(record.n_token);
        const auto n_group = static_cast<size_t>(GetParam());
        compare(naive_choice(exact, bias, n_group, kUsed),
                naive_choice(off, bias, n_group, kUsed),
                n,
                real);
        compare(best_of(exact, kUsed), best_of(off, kUsed), n, by_logits);
      }
    }
    EXPECT_NEAR(record.same_experts[l], real.same, 1e-9) << "layer " << l;
    EXPECT_NEAR(record.overlap[l], real.overlap, 1e-9) << "layer " << l;
    EXPECT_GT(real.same, by_logits.same + 0.03) << "or the logits alone would do";
  }
}

INSTANTIATE_TEST_SUITE_P(BiasAndGroups,
                         ChoiceOfModel,
                         testing::Values(0, 4),
                         [](const auto& tested) {
                           return tested.param == 0 ? "Bias" : "BiasAndGroups";
                         });

TEST(FollowedChoice, AWarningIsLeftWhereTheGatingIsNotKnown) {
  const TemporaryFolder folder;
  ModelShape shape = small_shape(4);
  shape.architecture = "bailingmoe2";
  shape.has_selection_bias = false;  // and with it, what the file says of the gating
  ExportOptions options;
  options.model.path = folder.path("m.gguf");
  write_shape(shape, {}, options.model.path);
  const FollowedChoice followed = follow_choice(options);
  ASSERT_EQ(followed.warnings.size(), 1U);
  EXPECT_EQ(followed.warnings[0].id, "choice_by_logits");
  EXPECT_THAT(followed.warnings[0].text, testing::HasSubstr("gating"));
  EXPECT_EQ(followed.traits.n_group, 0) << "by logits";

  const ModelInfo info = read_model_info(options.model.path);
  Mask mask = zero_mask(info);
  mask.row(0)[1] = 1.0F;
  mask.alpha = 1.0F;
  RouterUpdate update = outline_of(mask, info.n_embd);
  update.layers[0].down.assign(info.n_embd, 0.5F);
  update.layers[0].up.assign(info.n_expert, 0.25F);
  options.adapter = folder.path("a.gguf");
  write_lora(options.adapter, update);
  EXPECT_TRUE(obtain_update(mask, options, false, {}).warnings.empty()) << "nothing is measured";
  options.check.resize(1);
  ASSERT_EQ(obtain_update(mask, options, false, {}).warnings.size(), 1U);
}

TEST(ChoiceBorder, DistancesAreInLogits) {
  using testing::ElementsAre;
  using testing::FloatNear;
  const auto distances = [](const LayerChoice& choice, const std::vector<float>& z, int64_t k) {
    return border_distances(choice, z.data(), std::ssize(z), k);
  };
  EXPECT_THAT(distances({}, {3.0F, 1.0F, 2.0F, 0.0F}, 2), ElementsAre(1.5F, -0.5F, 0.5F, -1.5F));
  LayerChoice biased;  // scores 0.98201 and 0.99257, slopes 0.01766 and 0.04518
  biased.gate = Gate::kSigmoid;
  biased.bias = {0.0F, 0.04F};
  EXPECT_THAT(distances(biased, {4.0F, 3.0F}, 1),
              ElementsAre(FloatNear(-0.299F, 2e-3F), FloatNear(0.117F, 2e-3F)));
  LayerChoice grouped;  // pairs of 6 and 7: the second group stays
  grouped.n_group = 2;
  grouped.n_group_used = 1;
  EXPECT_THAT(distances(grouped, {5.0F, 0.0F, 1.0F, 2.0F, 4.0F, 3.0F}, 1),
              ElementsAre(-0.5F, -INFINITY, -0.5F, -1.5F, 0.5F, -0.5F));
  LayerChoice by_token;
  by_token.is_by_token = true;
  EXPECT_THAT(distances(by_token, {1.0F, 2.0F}, 1), ElementsAre(-INFINITY, -INFINITY));
}

constexpr int64_t kWidth = 12;
constexpr int64_t kFew = 6;  // experts
constexpr int64_t kRow = 1500;

RouterSamples flat_samples(uint64_t seed) {
  Rng rng(seed);
  std::vector<double> weight(kFew * kWidth);
  for (double& w : weight) {
    w = 0.3 * rng.normal();
  }
  RouterSamples samples;
  samples.n_token = kRow;
  samples.n_embd = kWidth;
  samples.n_expert = kFew;
  for (int64_t i = 0; i < kRow; ++i) {
    std::vector<double> logits(kFew, 4.0);
    for (int64_t d = 0; d < kWidth; ++d) {
      const uint16_t x = float_to_half(d == 0 ? 2.0F : static_cast<float>(rng.normal()));
      samples.inputs.push_back(x);
      for (int64_t e = 0; e < kFew; ++e) {
        logits[e] += weight[e * kWidth + d] * static_cast<double>(half_to_float(x));
      }
    }
    std::transform(logits.begin(), logits.end(), std::back_inserter(samples.logits), [](double z) {
      return static_cast<float>(z);
    });
    samples.is_held_out.push_back(i % 4 == 3 ? 1 : 0);
  }
  return samples;
}

Mask flat_mask() {
  Mask mask;
  mask.n_layer = 1;
  mask.n_expert = kFew;
  mask.n_expert_used = 2;
  mask.steer = {1.0F, -1.0F, 0.5F, 0.0F, 0.0F, -0.5F};
  mask.sigma = {1.0F};
  mask.blocks = {0};
  mask.sigma_rule = SigmaRule::kToken;
  return mask;
}

RouterTraits flat_traits() {
  RouterTraits traits;
  traits.gating = "sigmoid";
  traits.selection_bias = {{0.02F, -0.02F, 0.01F, 0.0F, -0.01F, 0.03F}};
  traits.is_chosen_by_token = {false};
  return traits;
}

/// Held-out tokens that get the experts of the exact mask: by sigmoid and bias, and by logits.
std::pair<double, double> naive_shares(const RouterSamples& samples, const LayerUpdate& layer) {
  const Mask mask = flat_mask();
  const std::vector<float> bias = flat_traits().selection_bias[0];
  Shares real;
  Shares by_logits;
  const auto n = static_cast<double>(
      std::count(samples.is_held_out.begin(), samples.is_held_out.end(), uint8_t{1}));
  for (int64_t i = 0; i < kRow; ++i) {
    const float* z = samples.logits.data() + i * kFew;
    const double mean = std::accumulate(z, z + kFew, 0.0) / kFew;
    double square = 0.0;
    for (int64_t e = 0; e < kFew; ++e) {
      square += std::pow(static_cast<double>(z[e]) - mean, 2) / kFew;
    }
    std::vector<float> exact(z, z + kFew);
    std::vector<float> fitted(z, z + kFew);
    for (int64_t e = 0; e < kFew; ++e) {
      exact[e] += static_cast<float>(std::sqrt(square)) * mask.steer[e];
      for (int64_t r = 0; r < layer.rank; ++r) {
        for (int64_t d = 0; d < kWidth; ++d) {
          fitted[e] += layer.up[e * layer.rank + r] * layer.down[r * kWidth + d] *
                       half_to_float(samples.inputs[i * kWidth + d]);
        }
      }
    }
    if (samples.is_held_out[i] == 1) {
      compare(naive_choice(exact, bias, 0, 2), naive_choice(fitted, bias, 0, 2), n, real);
      compare(best_of(exact, 2), best_of(fitted, 2), n, by_logits);
    }
  }
  return {real.same, by_logits.same};
}

TEST(FitLayer, FollowsASelectionBias) {
  double apart = 0.0;
  double aware = 0.0;
  double blind = 0.0;
  for (const uint64_t seed : {1, 2, 3, 4}) {
    const RouterSamples samples = flat_samples(seed);
    FitOptions options;
    options.traits = flat_traits();
    const LayerUpdate layer = fit_layer(samples, flat_mask(), 0, 1.0, options);
    const auto [real, by_logits] = naive_shares(samples, layer);
    // Sums in another order may turn a near tie.
    EXPECT_NEAR(layer.quality.same_experts, real, 2.5 / 375.0) << "seed " << seed;
    apart += std::fabs(real - by_logits);
    aware += real;
    blind += naive_shares(samples, fit_layer(samples, flat_mask(), 0, 1.0, {})).first;
  }
  EXPECT_GT(apart, 0.04) << "or the logits alone would do";
  EXPECT_GT(aware, blind);
}

TEST(FitLayer, WhereTheTokenDecidesEveryFitGetsTheSameExperts) {
  FitOptions options;
  options.traits = flat_traits();
  options.traits.is_chosen_by_token = {true};
  const LayerUpdate layer = fit_layer(flat_samples(5), flat_mask(), 0, 1.0, options);
  EXPECT_EQ(layer.quality.same_experts, 1.0);
  EXPECT_EQ(layer.quality.overlap, 1.0);
  EXPECT_GT(layer.quality.ratio_spread, 0.0);
  EXPECT_LT(fit_layer(flat_samples(5), flat_mask(), 0, 1.0, {}).quality.same_experts, 1.0);
}

}  // namespace
}  // namespace mascing
