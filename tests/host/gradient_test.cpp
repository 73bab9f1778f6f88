// The parts of the exact gradient, and what a request promises.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "gradient_check.h"
#include "host/llama/gradient_batch.h"
#include "host/llama/schedulers.h"
#include "host/llama/tape/expert_replay.h"
#include "host/llama/tape/product.h"
#include "host/llama/tape/recorder.h"
#include "mascing/error.h"
#include "mascing/model_info.h"
#include "zoo.h"

namespace mascing {
namespace {

using testing::HasSubstr;
using TokenLists = std::vector<std::vector<int32_t>>;

std::string zoo_file(const std::string& name) {
  const std::string path = std::string(MASCING_ZOO) + "/part-" + name + ".gguf";
  write_zoo_model(zoo_model(name), 1, path);
  return path;
}

LlamaHostOptions engine_options(const std::string& path) {
  LlamaHostOptions options;
  options.path = path;
  options.n_thread = 1;
  options.n_parallel = 4;
  options.n_batch = 256;
  options.n_context = 512;
  options.has_full_precision = true;
  return options;
}

TEST(OpeningTree, SharesWhatOpeningsBeginWith) {
  const OpeningTree tree = plan_openings({{1, 2, 3}, {9}, {1, 2, 4}, {1, 5}, {1, 2}});
  ASSERT_EQ(tree.nodes.size(), 2U);
  EXPECT_EQ(tree.n_sequence, 4);
  EXPECT_EQ(tree.nodes[0].token, 1);
  EXPECT_EQ(tree.nodes[0].n_sequence, 4);
  EXPECT_EQ(tree.nodes[1].token, 2);
  EXPECT_EQ(tree.nodes[1].depth, 1);
  EXPECT_EQ(tree.nodes[1].first_sequence, 1);  // behind that of {1, 2} itself
  EXPECT_EQ(tree.nodes[1].n_sequence, 2);
  EXPECT_EQ(tree.reads[0], (std::vector<int64_t>{-1, 0, 1}));
  EXPECT_EQ(tree.reads[1], (std::vector<int64_t>{-1}));
  EXPECT_EQ(tree.reads[3], (std::vector<int64_t>{-1, 0}));
}

TEST(OpeningTree, GroupsOpeningsSoThatSequencesSuffice) {
  using Groups = std::vector<std::vector<size_t>>;
  const TokenLists openings = {{9}, {1, 2}, {8}, {1, 3}, {4, 5}, {7}};
  EXPECT_EQ(group_openings(openings, 3), (Groups{{0, 1, 2, 3, 4, 5}}));
  EXPECT_EQ(group_openings(openings, 2), (Groups{{0, 1, 2, 3}, {4, 5}}));
  EXPECT_EQ(group_openings(openings, 1), (Groups{{0, 1, 2}, {3}, {4, 5}}));
}

TEST(TransposedProduct, IsThatOfThePlainLoopForEveryType) {
  constexpr int64_t kColumns = 512;
  constexpr int64_t kRows = 70;
  Rng rng(5);
  std::vector<float> weights(kRows * kColumns);
  std::vector<float> d_y(3 * kRows);
  for (std::vector<float>* values : {&weights, &d_y}) {
    for (float& value : *values) {
      value = static_cast<float>(rng.normal());
    }
  }
  for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K}) {
    std::vector<uint8_t> bytes(ggml_row_size(type, kColumns) * kRows);
    ggml_quantize_chunk(type, weights.data(), bytes.data(), 0, kRows, kColumns, nullptr);
    const MatrixRows rows{bytes.data(), ggml_row_size(type, kColumns), type, kRows, kColumns};
    std::vector<float> blocked(3 * kColumns, 0.5F);
    std::vector<float> plain(3 * kColumns, 0.5F);
    add_transposed_product(rows, d_y.data(), 3, blocked.data());
    add_transposed_product_plainly(rows, d_y.data(), 3, plain.data());
    for (size_t i = 0; i < plain.size(); ++i) {
      ASSERT_NEAR(blocked[i], plain[i], 2e-4) << ggml_type_name(type) << " " << i;
    }
  }
}

TEST(TransposedProduct, IsTheSameInStripsOnSeveralThreads) {
  constexpr int64_t kColumns = 1100;  // four strips of 256 and a rest
  constexpr int64_t kRows = 70;
  constexpr int64_t kTokens = 40;
  Rng rng(6);
  std::vector<float> weights(kRows * kColumns);
  std::vector<float> d_y(kTokens * kRows);
  for (std::vector<float>* values : {&weights, &d_y}) {
    for (float& value : *values) {
      value = static_cast<float>(rng.normal());
    }
  }
  const MatrixRows rows{reinterpret_cast<const uint8_t*>(weights.data()),
                        kColumns * sizeof(float),
                        GGML_TYPE_F32,
                        kRows,
                        kColumns};
  std::vector<float> plain(kTokens * kColumns, 0.5F);
  add_transposed_product_plainly(rows, d_y.data(), kTokens, plain.data());
  for (const int64_t n_thread : {1, 2, 3, 16}) {
    std::vector<float> strips(kTokens * kColumns, 0.5F);
    add_transposed_product(rows, d_y.data(), kTokens, strips.data(), n_thread);
    for (size_t i = 0; i < plain.size(); ++i) {
      ASSERT_NEAR(strips[i], plain[i], 2e-4) << n_thread << " threads, " << i;
    }
  }
}

TEST(Gradient, IsTheSameOnSeveralThreadsOfOneEngine) {
  for (const char* name : {"qwen3moe", "gpt-oss", "deepseek2"}) {
    LlamaHostOptions options = engine_options(zoo_file(name));
    const auto host = open_llama_host(options);
    const GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
    const auto model = std::make_shared<const LoadedModel>(
        options, host->describe(), LoadedModel::Weights::kPlain);
    std::vector<SteerGradient> found;
    for (const int64_t n_thread : {1, 3}) {
      options.n_thread = n_thread;
      Engine engine(model, options, Engine::Purpose::kDifferentiate);
      const auto outcome = run_gradients(engine, {request}).at(0);
      ASSERT_TRUE(outcome.ok()) << outcome.error;
      found.push_back(outcome.value);
    }
    const std::vector<float>& one = found[0].d_steer.at(0);
    const std::vector<float>& three = found[1].d_steer.at(0);
    ASSERT_EQ(one.size(), three.size());
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_NEAR(one[i], three[i], 1e-5) << name << " " << i;
    }
  }
}

class SigmaRules : public testing::TestWithParam<SigmaRule> {};

TEST_P(SigmaRules, AreDifferentiatedAsTheyAreApplied) {
  for (const char* name : {"qwen3moe", "gpt-oss"}) {
    const auto host = open_differentiable(zoo_file(name));
    const DerivativeCheck check =
        check_derivatives(*host, random_request(host->describe(), GetParam()));
    EXPECT_GE(check.n_smooth, check.n_entry / 2);
    EXPECT_LT(check.worst, 1e-3) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         SigmaRules,
                         testing::Values(SigmaRule::kToken,
                                         SigmaRule::kCalibrated,
                                         SigmaRule::kBatch),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(Gradient, OfAnAdapterMatchesDifferences) {
  for (const char* name : {"qwen3moe", "gpt-oss", "deepseek2", "qwen2moe"}) {
    const auto host = open_differentiable(zoo_file(name));
    const ModelInfo& info = host->describe();
    GradientRequest request = random_request(info, SigmaRule::kToken);
    request.steering.mask = normal_adapter(info, 3, 5);
    const DerivativeCheck check = check_derivatives(*host, request);
    EXPECT_EQ(check.n_entry, info.n_layer * 3 * info.n_expert) << name;
    EXPECT_GE(check.n_smooth, check.n_entry / 2) << name;
    EXPECT_LT(check.worst, 1e-3) << name;
  }
}

// Requests of one batch may have a mask of either kind.
TEST(Gradient, OfAnAdapterDoesNotDependOnItsNeighbours) {
  const auto host = open_differentiable(zoo_file("qwen3moe"));
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

TEST(Gradient, OfADivergenceMatchesDifferences) {
  const auto host = open_differentiable(zoo_file("qwen3moe"));
  GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
  std::vector<int32_t> reply = {7, 11, 30};
  request.openings = std::make_shared<TokenLists>(TokenLists{reply});
  ScoreRequest score;
  score.tokens = request.tokens;
  score.tokens.insert(score.tokens.end(), reply.begin(), reply.end());
  score.begin = std::ssize(request.tokens);
  score.n_top = 8;
  const auto base = host->score({score}).at(0);
  ASSERT_TRUE(base.ok()) << base.error;
  request.reference = std::make_shared<const std::vector<TopRow>>(base.value.top);
  request.outcomes = {weighted({0.2}, 10.0)};
  const DerivativeCheck check = check_derivatives(*host, request);
  EXPECT_GE(check.n_smooth, check.n_entry / 2);
  EXPECT_LT(check.worst, 1e-3);
}

/// A prompt whose first tokens keep their mask while that of the others moves, on one engine.
class LastTokens {
 public:
  LastTokens(const LlamaHostOptions& options, GradientRequest request)
      : engine_(std::make_shared<const LoadedModel>(
                    options, read_model_info(options.path), LoadedModel::Weights::kPlain),
                options,
                Engine::Purpose::kDifferentiate),
        request_(std::move(request)) {
    request_.openings = std::make_shared<TokenLists>(TokenLists{{5}});
    request_.outcomes = {weighted({1.0})};
    decode(0, request_.begin, request_.steering);
  }

  [[nodiscard]] const GradientRequest& request() const { return request_; }

  /// Compares the derivatives with differences of fourth order, where no expert is swapped.
  void expect_differences(const std::vector<float>& d_steer, double tolerance) {
    int64_t n_smooth = 0;
    double largest = 0.0;
    double worst = 0.0;
    for (size_t i = 0; i < d_steer.size(); ++i) {
      const double near = difference(i, 0.02F);
      const double far = difference(i, 0.04F);
      largest = std::max(largest, std::fabs(near));
      if (std::fabs(near - far) < 0.02 * (std::fabs(near) + 0.05 * largest)) {
        ++n_smooth;
        worst = std::max(worst, std::fabs((4.0 * near - far) / 3.0 - d_steer[i]));
      }
    }
    EXPECT_GE(n_smooth, std::ssize(d_steer) / 2);
    EXPECT_LT(worst, tolerance * largest);
  }

 private:
  /// Returns the last token's place in its batch.
  int32_t decode(int64_t first, int64_t end, const Steering& steering) {
    TokenBatch batch(engine_.n_batch(), 1);
    TapColumn column;
    column.steering = &steering;
    int32_t last = 0;
    for (int64_t t = first; t < end; ++t) {
      last = batch.add(request_.tokens[t], t, {0, 1}, t + 1 == end, column);
      if (batch.room() == 0 || t + 1 == end) {
        engine_.decode(batch, false);
        batch.clear();
      }
    }
    return last;
  }

  double value(const Steering& last) {
    EXPECT_TRUE(engine_.forget_from(0, request_.begin));
    const float* row = engine_.logits(decode(request_.begin, std::ssize(request_.tokens), last));
    double sum = 0.0;
    for (int64_t v = 0; v < engine_.info().n_vocab; ++v) {
      sum += std::exp(static_cast<double>(row[v]));
    }
    return row[5] - std::log(sum);
  }

  double difference(size_t i, float step) {
    double sum = 0.0;
    for (const float sign : {1.0F, -1.0F}) {
      auto mask = std::make_shared<Mask>(*request_.steering.mask);
      mask->steer[i] += sign * step;
      sum += sign * value({mask, request_.steering.alpha});
    }
    return sum / (2.0 * step);
  }

  Engine engine_;
  GradientRequest request_;
};

// The tokens before `begin` keep their mask: so must they in the differences.
TEST(Gradient, OfTheLastMessageTakesEarlierTokensAsConstants) {
  const LlamaHostOptions options = engine_options(zoo_file("qwen3moe"));
  GradientRequest request = random_request(read_model_info(options.path), SigmaRule::kCalibrated);
  request.begin = 6;
  LastTokens last(options, request);
  const auto host = open_llama_host(options);
  last.expect_differences(gradient_of(*host, last.request()).d_steer.at(0), 1e-3);
}

// Engines that differentiate begin with a cache of 4,096 cells and get a larger one if need be.
TEST(Gradient, OfAPromptOfMoreThan4096TokensMatchesDifferences) {
  ZooModel model = zoo_model("qwen3moe");
  model.keys.emplace_back("context_length", 8192U);
  model.keys.emplace_back("block_count", 2U);
  LlamaHostOptions options = engine_options(std::string(MASCING_ZOO) + "/long-qwen3moe.gguf");
  write_zoo_model(model, 1, options.path);
  options.n_context = 8192;
  options.n_batch = 512;
  GradientRequest request = random_request(read_model_info(options.path), SigmaRule::kCalibrated);
  const auto host = open_llama_host(options);
  EXPECT_FALSE(host->reads_in_turn());
  const SteerGradient small = gradient_of(*host, request);
  Rng rng(11);
  while (request.tokens.size() < 4200) {
    request.tokens.push_back(static_cast<int32_t>(rng.below(96)));
  }
  request.begin = 4190;
  LastTokens last(options, request);
  last.expect_differences(gradient_of(*host, last.request()).d_steer.at(0), 3e-3);
  request.tokens.resize(14);
  request.begin = 0;
  const SteerGradient again = gradient_of(*host, request);
  EXPECT_NEAR(again.values.at(0), small.values.at(0), 1e-4) << "the larger cache serves all";
  request.tokens.assign(8193, 1);
  EXPECT_THAT(host->gradients({request}).at(0).error, HasSubstr("the context size is 8192"));
}

TEST(Gradient, OfSeveralOutcomesIsThatOfEachAlone) {
  const auto host = open_differentiable(zoo_file("gpt-oss"));
  GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
  request.swap = {};
  request.outcomes = {weighted({1.0, 0.0, 0.0}), weighted({0.0, 1.0, -1.0})};
  const SteerGradient both = gradient_of(*host, request);
  request.outcomes.erase(request.outcomes.begin());
  EXPECT_EQ(gradient_of(*host, request).d_steer.at(0), both.d_steer.at(1));
}

TEST(Gradient, OfARequestDoesNotDependOnItsNeighbours) {
  const auto host = open_differentiable(zoo_file("qwen2moe"));
  std::vector<GradientRequest> requests;
  for (uint64_t i = 0; i < 4; ++i) {
    GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
    request.tokens.resize(14 - i);
    request.begin = i % 2 == 0 ? 0 : 5;
    request.swap = {};
    request.steering.mask = normal_mask(host->describe(), SigmaRule::kToken, 0.3F, i);
    requests.push_back(request);
  }
  const auto together = host->gradients(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSERT_TRUE(together[i].ok()) << together[i].error;
    const std::vector<float> alone = gradient_of(*host, requests[i]).d_steer.at(0);
    double largest = 0.0;
    double worst = 0.0;
    for (size_t k = 0; k < alone.size(); ++k) {
      largest = std::max(largest, std::fabs(static_cast<double>(alone[k])));
      worst = std::max(worst,
                       std::fabs(static_cast<double>(alone[k]) - together[i].value.d_steer[0][k]));
    }
    EXPECT_LT(worst, 1e-4 * largest) << "request " << i;
  }
}

TEST(Gradient, ScoresAreThoseOfAProbe) {
  const auto host = open_differentiable(zoo_file("deepseek"));
  const GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
  const auto probe = host->probe({{request.tokens, request.openings, request.steering}}).at(0);
  ASSERT_TRUE(probe.ok()) << probe.error;
  const SteerGradient gradient = gradient_of(*host, request);
  for (size_t k = 0; k < probe.value.log_prob.size(); ++k) {
    EXPECT_NEAR(
        gradient.scores.log_prob[k], probe.value.log_prob[k], 5e-3);  // half-precision cache
  }
}

TEST(Gradient, BadRequestsSayWhatIsWrong) {
  const auto host = open_differentiable(zoo_file("qwen3moe"));
  const GradientRequest good = random_request(host->describe(), SigmaRule::kToken);
  const auto error_of = [&](const std::function<void(GradientRequest&)>& spoil) {
    GradientRequest request = good;
    spoil(request);
    return host->gradients({request}).at(0).error;
  };
  EXPECT_THAT(error_of([](auto& r) { r.openings = nullptr; }), HasSubstr("no openings"));
  EXPECT_THAT(error_of([](auto& r) { r.steering.alpha = 0.0F; }), HasSubstr("needs a mask"));
  EXPECT_THAT(error_of([](auto& r) { r.begin = 14; }), HasSubstr("outside the prompt"));
  EXPECT_THAT(error_of([](auto& r) { r.tokens.assign(600, 1); }), HasSubstr("too long"));
}

TEST(Gradient, ARecurrentStateIsPutBackForTheNextOpening) {
  for (const char* name : {"qwen3next", "jamba", "lfm2moe"}) {
    const auto host = open_differentiable(zoo_file(name));
    EXPECT_TRUE(host->reads_in_turn());
    GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
    const TokenLists openings = {{5}, {7, 9, 30}, {7, 9, 31, 4}, {8, 2}};
    request.openings = std::make_shared<TokenLists>(openings);
    request.outcomes = {weighted({1.0, -0.5, 2.0, 0.25})};
    for (const int64_t begin : {0, 6}) {
      request.begin = begin;
      const SteerGradient together = gradient_of(*host, request);
      const int64_t n_before = host->counters().n_prefill_token;
      const auto probe = host->probe({{request.tokens, request.openings, request.steering}}).at(0);
      ASSERT_TRUE(probe.ok()) << probe.error;
      EXPECT_EQ(host->counters().n_prefill_token - n_before, std::ssize(request.tokens) + 2 + 3 + 1)
          << "the prompt once";
      std::vector<float> sum(together.d_steer[0].size(), 0.0F);
      for (size_t k = 0; k < openings.size(); ++k) {
        GradientRequest one = request;
        one.openings = std::make_shared<TokenLists>(TokenLists{openings[k]});
        one.outcomes = {weighted({std::vector<double>{1.0, -0.5, 2.0, 0.25}[k]})};
        const SteerGradient alone = gradient_of(*host, one);
        EXPECT_NEAR(together.scores.log_prob[k], alone.scores.log_prob[0], 1e-4) << name;
        EXPECT_NEAR(probe.value.log_prob[k], alone.scores.log_prob[0], 5e-3) << name;
        for (size_t j = 0; j < sum.size(); ++j) {
          sum[j] += alone.d_steer[0][j];
        }
      }
      const float largest = *std::max_element(sum.begin(), sum.end());
      for (size_t j = 0; j < sum.size(); ++j) {
        EXPECT_NEAR(together.d_steer[0][j], sum[j], 1e-4 * largest) << name;
      }
    }
  }
}

TEST(Gradient, OpeningsInPartsGiveWhatTheyGiveTogether) {
  LlamaHostOptions options = engine_options(zoo_file("qwen3moe"));
  const auto together = open_llama_host(options);
  options.n_parallel = options.engine.n_sequence = 1;
  const auto apart = open_llama_host(options);
  GradientRequest request = random_request(together->describe(), SigmaRule::kToken);
  request.openings = std::make_shared<TokenLists>(
      TokenLists{{5}, {7, 9, 30}, {7, 9, 31, 4}, {8, 2}, {6}, {11, 12, 13}});
  const auto margin = [](const OpeningScores& scores, OpeningScores& d_scores) {
    const std::vector<double>& p = scores.log_prob;
    d_scores.log_prob = {p[1], p[0] - 1.0, 2.0 * p[2], 0.5, -p[5], -p[4]};
    return p[0] * p[1] - p[1] + p[2] * p[2] + 0.5 * p[3] - p[4] * p[5];
  };
  request.outcomes = {margin, weighted({0.0, 0.0, 0.0, 1.0, 0.0, 0.0})};
  const SteerGradient whole = gradient_of(*together, request);
  const SteerGradient sum = gradient_of(*apart, request);
  ASSERT_EQ(sum.d_steer.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(sum.values[i], whole.values[i], 1e-4 * std::fabs(whole.values[i]));
    const float largest = *std::max_element(whole.d_steer[i].begin(), whole.d_steer[i].end());
    for (size_t k = 0; k < whole.d_steer[i].size(); ++k) {
      EXPECT_NEAR(sum.d_steer[i][k], whole.d_steer[i][k], 1e-3 * largest);
    }
  }
  // What is wrong with a request is said as if it had not been divided.
  request.begin = 14;
  EXPECT_THAT(apart->gradients({request}).at(0).error, HasSubstr("outside the prompt"));
  request.begin = 0;
  request.tokens.assign(600, 1);
  EXPECT_THAT(apart->gradients({request}).at(0).error, HasSubstr("too long"));
}

TEST(ExpertReplay, WithTheChosenExpertsIsTheGraphItself) {
  for (const char* name : {"qwen3moe", "gpt-oss", "deepseek2", "gemma4", "hy_v4"}) {
    const LlamaHostOptions options = engine_options(zoo_file(name));
    Engine engine(std::make_shared<const LoadedModel>(
                      options, read_model_info(options.path), LoadedModel::Weights::kPlain),
                  options,
                  Engine::Purpose::kDifferentiate);
    TapeRecorder recorder;
    engine.set_listener(&recorder);
    TokenBatch batch(256, 1);
    for (int32_t t = 0; t < 9; ++t) {
      batch.add(t * 7 % 96, t, {0, 1}, true, {});
    }
    engine.decode(batch, false);
    const Tape& tape = recorder.tape();
    const std::string block = "-" + std::to_string(engine.info().blocks.back());
    const int64_t weighted_node = tape.find("ffn_moe_weighted" + block);
    const int64_t chosen = tape.find("ffn_moe_topk" + block);
    ASSERT_NE(weighted_node, TapeTensor::kNone);
    const int64_t outputs = tape.at(weighted_node).sources[0];
    std::vector<int32_t> ids;
    for (const int64_t id : tape.integers(tape.at(chosen))) {
      ids.push_back(static_cast<int32_t>(id));
    }
    const auto replayed = replay_experts(tape, outputs, chosen, ids);
    ASSERT_TRUE(replayed.has_value()) << name;
    const Floats seen = tape.values(tape.at(outputs));
    for (size_t i = 0; i < replayed->size(); ++i) {
      ASSERT_EQ((*replayed)[i], seen[static_cast<int64_t>(i)]) << name;
    }
  }
}

}  // namespace
}  // namespace mascing
