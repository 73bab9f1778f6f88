// The tap against libllama itself: it changes nothing where it should not, records what the graph
// computes, and steers by z' = z + alpha * sigma * S exactly.
#include <cmath>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "raw_model.h"

namespace mascing {
namespace {

std::string layer_name(const char* what, int64_t block) {
  return std::string(what) + "-" + std::to_string(block);
}

/// As in the host, by another way: two passes in long double.
double spread_of(const float* z, int64_t n) {
  long double mean = 0.0;
  long double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    mean += z[i];
  }
  mean /= n;
  for (int64_t i = 0; i < n; ++i) {
    sum += (z[i] - mean) * (z[i] - mean);
  }
  return static_cast<double>(sqrtl(sum / n));
}

class RouterTapTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    prompts_ = new std::vector<Prompt>(demo_prompts(*host_, 6));
  }
  static void TearDownTestSuite() {
    delete prompts_;
    delete host_;
  }

  [[nodiscard]] static const ModelInfo& info() { return host_->describe(); }
  [[nodiscard]] static std::vector<bool> span_flags(const Prompt& prompt) {
    std::vector<bool> flags(static_cast<size_t>(prompt.final_user.end), false);
    std::fill(flags.begin() + prompt.final_user.begin, flags.end(), true);
    return flags;
  }
  [[nodiscard]] static std::vector<int32_t> up_to_span(const Prompt& prompt) {
    return {prompt.tokens.begin(), prompt.tokens.begin() + prompt.final_user.end};
  }
  [[nodiscard]] static RouterTrace trace_one(Host& host,
                                             const Prompt& prompt,
                                             const Steering& steering) {
    auto outcomes = host.trace({{prompt.tokens, prompt.final_user, steering}});
    EXPECT_TRUE(outcomes.at(0).ok()) << outcomes.at(0).error;
    return std::move(outcomes.at(0).value);
  }

  static inline Host* host_ = nullptr;
  static inline std::vector<Prompt>* prompts_ = nullptr;
};

TEST_F(RouterTapTest, WithoutSteeringLogitsEqualThoseOfPlainLibllamaBitForBit) {
  RawModel plain(demo_options(), RawModel::Callback::kNone);
  Engine engine = demo_engine();
  const auto zero = std::make_shared<const Mask>(zero_mask(info()));
  const std::vector<Steering> idle = {
      {}, {random_mask(info(), 1), 0.0F}, {nullptr, 1.0F}, {zero, 1.0F}};
  for (const Prompt& prompt : *prompts_) {
    plain.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
    for (const Steering& steering : idle) {
      engine.forget();
      TokenBatch batch(engine.n_batch(), 1);
      for (size_t t = 0; t < prompt.tokens.size(); ++t) {
        TapColumn column;
        column.steering = engine.active(steering);
        batch.add(prompt.tokens[t], static_cast<int64_t>(t), {0, 1}, true, column);
      }
      engine.decode(batch, false);
      for (size_t t = 0; t < prompt.tokens.size(); ++t) {
        const auto i = static_cast<int32_t>(t);
        const auto size_bytes = static_cast<size_t>(plain.n_vocab()) * sizeof(float);
        ASSERT_EQ(std::memcmp(plain.logits(i), engine.logits(i), size_bytes), 0) << "token " << t;
      }
    }
  }
}

TEST_F(RouterTapTest, RecordingLeavesTheLogitsAsTheyAre) {
  RawModel plain(demo_options(), RawModel::Callback::kNone);
  Engine engine = demo_engine();
  const Prompt& prompt = prompts_->front();
  plain.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
  std::vector<uint16_t> record(prompt.tokens.size() *
                               static_cast<size_t>(info().n_layer * info().n_expert));
  TokenBatch batch(engine.n_batch(), 1);
  for (size_t t = 0; t < prompt.tokens.size(); ++t) {
    TapColumn column;
    column.record = record.data() + t * static_cast<size_t>(info().n_layer * info().n_expert);
    batch.add(prompt.tokens[t], static_cast<int64_t>(t), {0, 1}, true, column);
  }
  engine.decode(batch, false);
  const auto last = static_cast<int32_t>(prompt.tokens.size()) - 1;
  const auto size_bytes = static_cast<size_t>(plain.n_vocab()) * sizeof(float);
  EXPECT_EQ(std::memcmp(plain.logits(last), engine.logits(last), size_bytes), 0);
}

TEST_F(RouterTapTest, RecordsTheRouterLogitsOfEverySpanTokenInEveryLayer) {
  RawModel raw(demo_options(), RawModel::Callback::kObserve);
  for (const Prompt& prompt : *prompts_) {
    const RouterTrace trace = trace_one(*host_, prompt, {});
    raw.decode(up_to_span(prompt), span_flags(prompt));
    const int64_t n_span = prompt.final_user.size();
    ASSERT_EQ(trace.n_token, n_span);
    for (int64_t l = 0; l < info().n_layer; ++l) {
      const Observation& seen = raw.seen(layer_name("ffn_moe_logits", info().blocks[l]));
      const auto n_column = static_cast<int64_t>(seen.values.size()) / info().n_expert;
      for (int64_t t = 0; t < n_span; ++t) {
        const float* z = seen.values.data() + (n_column - n_span + t) * info().n_expert;
        const uint16_t* recorded = trace.logits.data() + (t * info().n_layer + l) * info().n_expert;
        for (int64_t e = 0; e < info().n_expert; ++e) {
          ASSERT_EQ(recorded[e], float_to_half(z[e])) << "layer " << l << " token " << t;
        }
      }
    }
  }
}

TEST_F(RouterTapTest, TheLastLayerIsRecordedThoughOnlyOutputTokensExistThere) {
  RawModel raw(demo_options(), RawModel::Callback::kObserve);
  const Prompt& prompt = prompts_->back();
  const RouterTrace trace = trace_one(*host_, prompt, {});
  raw.decode(up_to_span(prompt),
             std::vector<bool>(static_cast<size_t>(prompt.final_user.end), true));
  const int64_t last = info().n_layer - 1;
  const Observation& seen = raw.seen(layer_name("ffn_moe_logits", info().blocks[last]));
  ASSERT_EQ(static_cast<int64_t>(seen.values.size()), prompt.final_user.end * info().n_expert);
  for (int64_t t = 0; t < prompt.final_user.size(); ++t) {
    const float* z = seen.values.data() + (prompt.final_user.begin + t) * info().n_expert;
    for (int64_t e = 0; e < info().n_expert; ++e) {
      const float recorded =
          half_to_float(trace.logits[(t * info().n_layer + last) * info().n_expert + e]);
      ASSERT_NEAR(recorded, z[e], 1e-2) << "token " << t;
    }
  }
}

/// Runs one prompt under a tap that can be looked past.
struct SteeredRun {
  SteeredRun(const ModelInfo& info, const Prompt& prompt, const Steering& steering)
      : tap(info), raw(demo_options(), RawModel::Callback::kObserve, &tap) {
    const size_t n_token = prompt.tokens.size();
    before.resize(n_token * static_cast<size_t>(info.n_layer * info.n_expert));
    std::vector<TapColumn> columns(n_token);
    std::vector<int32_t> outputs;
    for (size_t t = 0; t < n_token; ++t) {
      columns[t].steering = is_active(steering) ? &steering : nullptr;
      columns[t].record = before.data() + t * static_cast<size_t>(info.n_layer * info.n_expert);
      outputs.push_back(static_cast<int32_t>(t));
    }
    tap.plan(columns, outputs, false);
    raw.decode(prompt.tokens, std::vector<bool>(n_token, true));
    tap.finish();
  }

  RouterTap tap;
  RawModel raw;
  std::vector<uint16_t> before;  ///< z as the tap recorded it, [T, L, E]
};

class SigmaRules : public RouterTapTest, public testing::WithParamInterface<SigmaRule> {};

TEST_P(SigmaRules, SteeringAddsAlphaTimesSigmaTimesTheMaskBeforeTheSoftmax) {
  const Prompt& prompt = prompts_->front();
  const auto n_token = static_cast<int64_t>(prompt.tokens.size());
  const int64_t n_expert = info().n_expert;
  auto mask = random_mask(info(), 7);
  mask->sigma_rule = GetParam();
  // Only one layer at a time, so that its z is known from an unsteered run.
  RawModel plain(demo_options(), RawModel::Callback::kObserve);
  plain.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
  for (int64_t l = 0; l < info().n_layer; ++l) {
    auto only = std::make_shared<Mask>(*mask);
    for (int64_t other = 0; other < info().n_layer; ++other) {
      if (other != l) {
        std::fill(only->row(other), only->row(other) + n_expert, 0.0F);
      }
    }
    const float alpha = 0.75F;
    const SteeredRun run(info(), prompt, {only, alpha});
    const std::vector<float>& z = plain.seen(layer_name("ffn_moe_logits", info().blocks[l])).values;
    const std::vector<float>& steered =
        run.raw.seen(layer_name("ffn_moe_logits", info().blocks[l])).values;
    const std::vector<float>& probs =
        run.raw.seen(layer_name("ffn_moe_probs", info().blocks[l])).values;
    ASSERT_EQ(static_cast<int64_t>(z.size()), n_token * n_expert);
    const double batch_sigma = spread_of(z.data(), n_token * n_expert);
    for (int64_t t = 0; t < n_token; ++t) {
      double sigma = GetParam() == SigmaRule::kBatch ? batch_sigma : only->sigma[l];
      sigma =
          GetParam() == SigmaRule::kToken ? spread_of(z.data() + t * n_expert, n_expert) : sigma;
      double norm = 0.0;
      for (int64_t e = 0; e < n_expert; ++e) {
        norm += std::exp(z[t * n_expert + e] + alpha * sigma * only->row(l)[e]);
      }
      for (int64_t e = 0; e < n_expert; ++e) {
        const double expected = z[t * n_expert + e] + alpha * sigma * only->row(l)[e];
        ASSERT_NEAR(steered[t * n_expert + e], expected, 1e-5) << "layer " << l << " token " << t;
        ASSERT_NEAR(probs[t * n_expert + e], std::exp(expected) / norm, 1e-5) << "layer " << l;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllRules,
                         SigmaRules,
                         testing::Values(SigmaRule::kToken,
                                         SigmaRule::kCalibrated,
                                         SigmaRule::kBatch),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_F(RouterTapTest, ABannedExpertIsNeverChosenAndAForcedOneAlways) {
  const int64_t block = info().blocks[3];
  const Prompt& prompt = prompts_->front();
  int64_t n_natural = 0;
  for (int64_t e = 0; e < info().n_expert; ++e) {
    const SteeredRun natural(info(), prompt, {});
    const SteeredRun banned(info(), prompt, {single_entry(info(), 3, e, -1000.0F), 1.0F});
    const SteeredRun forced(info(), prompt, {single_entry(info(), 3, e, 1000.0F), 1.0F});
    const auto count = [&](const SteeredRun& run) {
      const auto& picks = run.raw.seen(layer_name("ffn_moe_topk", block)).picks;
      EXPECT_EQ(static_cast<int64_t>(picks.size()),
                static_cast<int64_t>(prompt.tokens.size()) * info().n_expert_used);
      return std::count(picks.begin(), picks.end(), static_cast<int32_t>(e));
    };
    n_natural += count(natural);
    EXPECT_EQ(count(banned), 0) << "expert " << e;
    EXPECT_EQ(count(forced), static_cast<int64_t>(prompt.tokens.size())) << "expert " << e;
    if (e == 3) {
      break;  // four experts tell as much as sixteen
    }
  }
  EXPECT_GT(n_natural, 0) << "banning experts that nobody chooses proves nothing";
}

TEST_F(RouterTapTest, TheForceRuleMovesExpertsToTheEndsOfTheLogitsAndLeavesTheOthers) {
  const Prompt& prompt = prompts_->front();
  const int64_t n_expert = info().n_expert;
  auto mask = single_entry(info(), 3, 5, 0.01F);
  mask->row(3)[7] = -0.01F;
  mask->sigma_rule = SigmaRule::kToken;
  const SteeredRun run(info(), prompt, {mask, 0.5F, SteerRule::kForce});
  RawModel plain(demo_options(), RawModel::Callback::kObserve);
  plain.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
  const std::vector<float>& z = plain.seen(layer_name("ffn_moe_logits", info().blocks[3])).values;
  const std::vector<float>& forced =
      run.raw.seen(layer_name("ffn_moe_logits", info().blocks[3])).values;
  const auto& picks = run.raw.seen(layer_name("ffn_moe_topk", info().blocks[3])).picks;
  ASSERT_EQ(forced.size(), z.size());
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 5), static_cast<int64_t>(prompt.tokens.size()));
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 7), 0);
  for (size_t t = 0; t < prompt.tokens.size(); ++t) {
    const float* row = z.data() + t * static_cast<size_t>(n_expert);
    const auto [least, most] = std::minmax_element(row, row + n_expert);
    for (int64_t e = 0; e < n_expert; ++e) {
      const float expected = e == 5   ? *most + kForceMargin
                             : e == 7 ? *least - kForceMargin
                                      : row[e];
      ASSERT_EQ(forced[t * static_cast<size_t>(n_expert) + static_cast<size_t>(e)], expected)
          << "token " << t << " expert " << e;
    }
  }
}

TEST_F(RouterTapTest, LayersUpToTheSteeredOneAreUntouchedAndLaterOnesAreNot) {
  const Prompt& prompt = prompts_->front();
  const RouterTrace plain = trace_one(*host_, prompt, {});
  const RouterTrace steered =
      trace_one(*host_, prompt, {single_entry(info(), 2, 5, 1000.0F), 1.0F});
  std::vector<bool> differs(static_cast<size_t>(info().n_layer), false);
  for (size_t i = 0; i < plain.logits.size(); ++i) {
    const size_t l = i / static_cast<size_t>(info().n_expert) % static_cast<size_t>(info().n_layer);
    differs[l] = differs[l] || plain.logits[i] != steered.logits[i];
  }
  EXPECT_THAT(differs, testing::ElementsAre(false, false, false, true, true, true));
}

TEST_F(RouterTapTest, RecordedLogitsAreThoseBeforeTheMaskIsAdded) {
  const Prompt& prompt = prompts_->front();
  const SteeredRun run(info(), prompt, {single_entry(info(), 0, 5, 8.0F), 1.0F});
  const auto& after = run.raw.seen(layer_name("ffn_moe_logits", info().blocks[0])).values;
  for (size_t t = 0; t < prompt.tokens.size(); ++t) {
    const float before =
        half_to_float(run.before[t * static_cast<size_t>(info().n_layer * info().n_expert) + 5]);
    EXPECT_NEAR(after[t * static_cast<size_t>(info().n_expert) + 5], before + 8.0F, 2e-2);
  }
}

TEST_F(RouterTapTest, SequencesOfOneBatchAreSteeredAndRecordedEachAsIfAlone) {
  std::vector<TraceRequest> requests;
  for (size_t i = 0; i < prompts_->size(); ++i) {
    auto mask = random_mask(info(), i);
    mask->sigma_rule = i % 2 == 0 ? SigmaRule::kToken : SigmaRule::kCalibrated;
    const float alpha = i == 3 ? 0.0F : 0.5F * static_cast<float>(i + 1);
    const Prompt& prompt = (*prompts_)[i];
    requests.push_back({prompt.tokens, prompt.final_user, {i == 4 ? nullptr : mask, alpha}});
  }
  std::vector<Result<RouterTrace>> alone;
  for (const TraceRequest& request : requests) {
    alone.push_back(host_->trace({request}).front());
  }
  expect_same_traces(host_->trace(requests), alone);
}

TEST_F(RouterTapTest, APrefillInPiecesGivesTheSameTrace) {
  LlamaHostOptions options = demo_options();
  options.n_batch = options.n_parallel = 32;
  const auto pieces = open_llama_host(options);
  const Steering steering{random_mask(info(), 3), 0.5F};
  std::vector<TraceRequest> requests;
  for (const Prompt& prompt : *prompts_) {
    requests.push_back({prompt.tokens, prompt.final_user, steering});
  }
  expect_same_traces(host_->trace(requests), pieces->trace(requests));
}

TEST_F(RouterTapTest, ASpanOutsideThePromptIsAnErrorOfThatRequestAlone) {
  const Prompt& prompt = prompts_->front();
  const auto n_token = static_cast<int64_t>(prompt.tokens.size());
  const auto outcomes = host_->trace({{prompt.tokens, {-1, 2}, {}},
                                      {prompt.tokens, {3, 3}, {}},
                                      {prompt.tokens, {0, n_token + 1}, {}},
                                      {{-1, 2, 3}, {0, 2}, {}},
                                      {prompt.tokens, {0, n_token}, {}}});
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(outcomes[i].ok()) << i;
  }
  EXPECT_TRUE(outcomes[4].ok()) << outcomes[4].error;
}

}  // namespace
}  // namespace mascing
