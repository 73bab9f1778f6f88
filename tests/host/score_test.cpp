// Teacher-forced scores against libllama driven one token at a time.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "host/llama/logits.h"
#include "raw_model.h"
#include "tolerance.h"

namespace mascing {
namespace {

using testing::HasSubstr;

class ScoreTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    requests_ = new std::vector<ScoreRequest>();
    std::vector<GenerateRequest> asked;
    for (const Prompt& prompt : demo_prompts(*host_, 4)) {
      asked.push_back({prompt.tokens, {}, 0});
    }
    const auto replies = host_->generate(asked, {0.0F, 0, 20});
    for (size_t i = 0; i < asked.size(); ++i) {
      ScoreRequest request;
      request.tokens = asked[i].tokens;
      request.begin = static_cast<int64_t>(request.tokens.size());
      const auto& reply = replies[i].value.tokens;
      request.tokens.insert(request.tokens.end(), reply.begin(), reply.end());
      requests_->push_back(std::move(request));
      log_probs_.push_back(replies[i].value.log_prob);
    }
  }
  static void TearDownTestSuite() {
    delete requests_;
    delete host_;
  }
  [[nodiscard]] static Steering strong() { return {random_mask(host_->describe(), 11), 3.0F}; }
  [[nodiscard]] static std::vector<ScoreRequest> with(const Steering& steering,
                                                      bool with_divergence) {
    std::vector<ScoreRequest> all = *requests_;
    for (ScoreRequest& request : all) {
      request.steering = steering;
      request.with_divergence = with_divergence;
    }
    return all;
  }

  static inline Host* host_ = nullptr;
  static inline std::vector<ScoreRequest>* requests_ = nullptr;
  static inline std::vector<double> log_probs_;
};

TEST_F(ScoreTest, EqualsTheSumOverPlainDecodingTokenByToken) {
  RawModel raw(demo_options(), RawModel::Callback::kNone);
  const auto scores = host_->score(*requests_);
  for (size_t i = 0; i < requests_->size(); ++i) {
    const auto& tokens = (*requests_)[i].tokens;
    double expected = 0.0;
    raw.decode({tokens[0]}, {true});
    for (int64_t t = 1; t < static_cast<int64_t>(tokens.size()); ++t) {
      if (t >= (*requests_)[i].begin) {
        expected += raw.logits(0)[tokens[t]] - log_sum_exp(raw.logits(0), raw.n_vocab());
      }
      raw.decode_next(tokens[t], t);
    }
    EXPECT_NEAR(scores[i].value.log_prob, expected, tolerance(1e-3, 5e-2));
    EXPECT_EQ(scores[i].value.n_token, static_cast<int64_t>(tokens.size()) - (*requests_)[i].begin);
  }
}

TEST_F(ScoreTest, OfAReplyIsWhatGenerationSaidOfIt) {
  const auto scores = host_->score(*requests_);
  for (size_t i = 0; i < requests_->size(); ++i) {
    EXPECT_NEAR(scores[i].value.log_prob, log_probs_[i], 2e-2);
  }
}

TEST_F(ScoreTest, OfASteeredReplyIsWhatSteeredGenerationSaidOfIt) {
  std::vector<GenerateRequest> asked;
  for (const Prompt& prompt : demo_prompts(*host_, 3)) {
    asked.push_back({prompt.tokens, strong(), 0});
  }
  const auto replies = host_->generate(asked, {0.0F, 0, 10});
  for (size_t i = 0; i < asked.size(); ++i) {
    ScoreRequest request{
        asked[i].tokens, static_cast<int64_t>(asked[i].tokens.size()), strong(), false};
    const auto& reply = replies[i].value.tokens;
    request.tokens.insert(request.tokens.end(), reply.begin(), reply.end());
    EXPECT_NEAR(host_->score({request})[0].value.log_prob, replies[i].value.log_prob, 2e-2);
  }
}

TEST_F(ScoreTest, AnIdleMaskLeavesScoresBitForBitAsTheyAre) {
  const auto plain = host_->score(*requests_);
  const auto zero = std::make_shared<const Mask>(zero_mask(host_->describe()));
  for (const Steering& steering : {Steering{zero, 1.0F}, Steering{strong().mask, 0.0F}}) {
    const auto idle = host_->score(with(steering, true));
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(plain[i].value.log_prob, idle[i].value.log_prob);
      EXPECT_EQ(idle[i].value.divergence, 0.0);
    }
  }
}

TEST_F(ScoreTest, EqualsPlainLibllamaInOneDecodeExactly) {
  RawModel raw(demo_options(), RawModel::Callback::kNone);
  for (const ScoreRequest& request : *requests_) {
    const std::vector<int32_t> head(request.tokens.begin(), request.tokens.end() - 1);
    std::vector<bool> output(head.size(), false);
    std::fill(output.begin() + request.begin - 1, output.end(), true);
    raw.decode(head, output);
    double expected = 0.0;
    for (auto t = request.begin - 1; t < static_cast<int64_t>(head.size()); ++t) {
      expected += static_cast<double>(raw.logits(t)[request.tokens[t + 1]]) -
                  log_sum_exp(raw.logits(t), raw.n_vocab());
    }
    EXPECT_EQ(host_->score({request})[0].value.log_prob, expected);
  }
}

TEST_F(ScoreTest, DivergenceIsPositiveUnderAMaskAndGrowsWithIt) {
  const auto weak = host_->score(with({strong().mask, 0.2F}, true));
  const auto hard = host_->score(with(strong(), true));
  const auto without = host_->score(with(strong(), false));
  for (size_t i = 0; i < weak.size(); ++i) {
    EXPECT_GT(weak[i].value.divergence, 0.0);
    EXPECT_GT(hard[i].value.divergence, weak[i].value.divergence);
    EXPECT_NEAR(hard[i].value.log_prob, without[i].value.log_prob, tolerance(2e-2, 0.3));
    EXPECT_EQ(without[i].value.divergence, 0.0);
  }
}

TEST_F(ScoreTest, DivergenceIsTheKlOfTheTwoDistributionsOverTheVocabulary) {
  Engine engine = demo_engine();
  const Steering steering = strong();
  const ScoreRequest request = with(steering, true)[0];
  std::vector<std::vector<float>> rows;  // unsteered, steered; of the first scored position
  for (const Steering* chosen : {static_cast<const Steering*>(nullptr), &steering}) {
    engine.forget();
    TokenBatch batch(engine.n_batch(), 1);
    for (int64_t t = 0; t < request.begin; ++t) {
      batch.add(request.tokens[t], t, {0, 1}, t == request.begin - 1, {chosen, nullptr});
    }
    engine.decode(batch, false);
    const float* row = engine.logits(static_cast<int32_t>(request.begin) - 1);
    rows.emplace_back(row, row + engine.info().n_vocab);
  }
  double kl = 0.0;
  const double norm_p = log_sum_exp(rows[0].data(), engine.info().n_vocab);
  const double norm_q = log_sum_exp(rows[1].data(), engine.info().n_vocab);
  for (size_t v = 0; v < rows[0].size(); ++v) {
    const double log_p = rows[0][v] - norm_p;
    kl += std::exp(log_p) * (log_p - (rows[1][v] - norm_q));
  }
  ScoreRequest first = request;
  first.tokens.resize(static_cast<size_t>(request.begin) + 1);
  EXPECT_NEAR(host_->score({first})[0].value.divergence, kl, 1e-3 * (1.0 + kl));
}

TEST_F(ScoreTest, ALongTextInPiecesScoresAsInOne) {
  LlamaHostOptions options = demo_options();
  options.n_batch = options.n_parallel = 32;
  const auto pieces = open_llama_host(options);
  std::vector<int32_t> tokens =
      host_->tokenize("Here is a tale of a fox who counted lanterns. ", true);
  while (tokens.size() < 190) {
    tokens.push_back(tokens[tokens.size() % 11 + 1]);
  }
  for (const bool divergence : {false, true}) {
    const ScoreRequest request{tokens, 1, {strong().mask, 0.5F}, divergence};
    const Score whole = host_->score({request})[0].value;
    const Score parts = pieces->score({request})[0].value;
    EXPECT_EQ(whole.n_token, parts.n_token);
    EXPECT_NEAR(whole.log_prob, parts.log_prob, 1e-3 * std::fabs(whole.log_prob));
    EXPECT_NEAR(whole.divergence, parts.divergence, 1e-3 + 1e-2 * whole.divergence);
  }
}

TEST_F(ScoreTest, ManyTextsTogetherScoreAsEachAlone) {
  std::vector<ScoreRequest> many;
  for (int i = 0; i < 10; ++i) {
    for (const ScoreRequest& request :
         with({strong().mask, 0.1F * static_cast<float>(i)}, i % 2 == 0)) {
      many.push_back(request);
    }
  }
  const auto together = host_->score(many);
  for (size_t i = 0; i < many.size(); i += 7) {
    const auto alone = host_->score({many[i]});
    EXPECT_NEAR(together[i].value.log_prob, alone[0].value.log_prob, 2e-2) << i;
    EXPECT_NEAR(together[i].value.divergence, alone[0].value.divergence, 2e-2) << i;
  }
}

TEST_F(ScoreTest, WhatCannotBeScoredFailsAlone) {
  ScoreRequest from_nothing = requests_->front();
  from_nothing.begin = 0;
  ScoreRequest past_the_end = requests_->front();
  past_the_end.begin = static_cast<int64_t>(past_the_end.tokens.size());
  ScoreRequest too_long = requests_->front();
  too_long.tokens.assign(static_cast<size_t>(host_->context_size()) + 5, 1);
  ScoreRequest unknown = requests_->front();
  unknown.tokens.back() = -1;
  const auto outcomes =
      host_->score({from_nothing, past_the_end, too_long, unknown, requests_->front()});
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(outcomes[i].ok()) << i;
  }
  EXPECT_THAT(outcomes[2].error, HasSubstr(std::to_string(host_->context_size())));
  EXPECT_TRUE(outcomes[4].ok());
}

TEST_F(ScoreTest, TheDivergenceIsTheSameWhereBothSidesDoNotFitTogether) {
  const auto requests = with(strong(), true);
  const auto expected = host_->score(requests);
  std::vector<LlamaHostOptions> narrow(2, demo_options());
  narrow[0].n_parallel = 1;
  narrow[1].n_parallel = 1;
  narrow[1].engine.n_sequence = 1;
  for (const LlamaHostOptions& options : narrow) {
    const auto host = open_llama_host(options);
    const auto scores = host->score(requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSERT_TRUE(scores[i].ok()) << scores[i].error;
      EXPECT_EQ(scores[i].value.n_token, expected[i].value.n_token);
      EXPECT_GT(expected[i].value.divergence, 0.1);
      EXPECT_NEAR(scores[i].value.divergence, expected[i].value.divergence, 5e-2);
      EXPECT_NEAR(scores[i].value.log_prob, expected[i].value.log_prob, 5e-2);
    }
  }
}

}  // namespace
}  // namespace mascing
