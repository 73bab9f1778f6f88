// Likelihoods of openings against plain scores of the same tokens.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "host/llama/schedulers.h"
#include "references.h"
#include "tolerance.h"

namespace mascing {
namespace {

class ProbeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    prompts_ = demo_prompts(*host_, 5);
    std::vector<TokenSequence> openings;
    for (const char* text : {" I cannot help", " Here is a tale", " Of", " I"}) {
      openings.push_back(host_->tokenize(text, false));
    }
    openings_ = std::make_shared<const std::vector<TokenSequence>>(openings);
  }
  static void TearDownTestSuite() { delete host_; }

  [[nodiscard]] static std::vector<ProbeRequest> requests(const Steering& steering) {
    std::vector<ProbeRequest> all;
    for (const Prompt& prompt : prompts_) {
      all.push_back({prompt.tokens, openings_, steering});
    }
    return all;
  }
  static void expect_equal_to_scores(Host& host, const Steering& steering) {
    const auto probes = host.probe(requests(steering));
    for (size_t i = 0; i < prompts_.size(); ++i) {
      ASSERT_TRUE(probes[i].ok()) << probes[i].error;
      for (size_t k = 0; k < openings_->size(); ++k) {
        ScoreRequest request;
        request.tokens = prompts_[i].tokens;
        request.begin = static_cast<int64_t>(request.tokens.size());
        request.tokens.insert(request.tokens.end(), (*openings_)[k].begin(), (*openings_)[k].end());
        request.steering = steering;
        const auto scores = host.score({request});
        EXPECT_NEAR(probes[i].value.log_prob[k], scores[0].value.log_prob, 2e-2);
      }
    }
  }

  static inline Host* host_ = nullptr;
  static inline std::vector<Prompt> prompts_;
  static inline std::shared_ptr<const std::vector<TokenSequence>> openings_;
};

TEST_F(ProbeTest, EqualsTheScoreOfEachOpening) {
  expect_equal_to_scores(*host_, {});
}

TEST_F(ProbeTest, OpeningsThatExceedTheCacheTogetherAreAskedInTurn) {
  LlamaHostOptions options = demo_options();
  options.n_context = 256;
  const auto small = open_llama_host(options);
  std::vector<TokenSequence> openings;
  for (const char* word : {" tale", " seal", " king", " bread", " fox"}) {
    std::string text;
    for (int i = 0; i < 70; ++i) {
      text += word;
    }
    openings.push_back(small->tokenize(text, false));
    openings.back().resize(std::min<size_t>(openings.back().size(), 70));
  }
  const auto all = std::make_shared<const std::vector<TokenSequence>>(openings);
  const auto together = small->probe({{prompts_[0].tokens, all, {}}});
  ASSERT_TRUE(together[0].ok()) << together[0].error;
  for (size_t k = 0; k < openings.size(); ++k) {
    const auto one = std::make_shared<const std::vector<TokenSequence>>(1, openings[k]);
    const auto alone = small->probe({{prompts_[0].tokens, one, {}}});
    ASSERT_TRUE(alone[0].ok()) << alone[0].error;
    EXPECT_NEAR(together[0].value.log_prob[k], alone[0].value.log_prob[0], 0.5) << k;
  }
}

TEST_F(ProbeTest, EqualsTheScoreUnderAMaskAsWell) {
  expect_equal_to_scores(*host_, {random_mask(host_->describe(), 3), 1.0F});
}

TEST_F(ProbeTest, RunsMoreOpeningsThanThereAreSequences) {
  LlamaHostOptions options = demo_options();
  options.n_parallel = options.engine.n_sequence = 1;
  const auto narrow = open_llama_host(options);
  const auto expected = host_->probe(requests({}));
  const auto probes = narrow->probe(requests({}));
  for (size_t i = 0; i < probes.size(); ++i) {
    for (size_t k = 0; k < openings_->size(); ++k) {
      EXPECT_NEAR(probes[i].value.log_prob[k], expected[i].value.log_prob[k], 2e-2);
    }
  }
}

/// Decodes and tokens of five prompts with 16 openings of three tokens, half of which begin alike.
std::pair<int64_t, int64_t> cost_of_probes(int64_t n_sequence,
                                           const std::vector<Prompt>& prompts,
                                           std::vector<double>& log_probs) {
  LlamaHostOptions options = demo_options();
  options.engine.n_sequence = n_sequence;
  Engine engine(std::make_shared<const LoadedModel>(options), options);
  std::vector<TokenSequence> openings;
  for (int32_t k = 0; k < 16; ++k) {
    openings.push_back({k < 8 ? 20 : 21 + k, 40 + k % 2, 60 + k});
  }
  std::vector<ProbeRequest> requests;
  for (const Prompt& prompt : prompts) {
    requests.push_back(
        {prompt.tokens, std::make_shared<const std::vector<TokenSequence>>(openings), {}});
  }
  for (const auto& result : run_probes(engine, requests)) {
    EXPECT_TRUE(result.ok()) << result.error;
    const std::vector<double>& values = result.value.log_prob;
    log_probs.insert(log_probs.end(), values.begin(), values.end());
  }
  return {engine.n_decode(), engine.counters.n_prefill_token};
}

TEST_F(ProbeTest, ConversationsShareADecodeWhereThereAreSequencesForAllTheirOpenings) {
  std::vector<double> narrow_values;
  std::vector<double> wide_values;
  const auto narrow = cost_of_probes(16, prompts_, narrow_values);
  const auto wide = cost_of_probes(0, prompts_, wide_values);
  EXPECT_EQ(narrow.first, std::ssize(prompts_)) << "16 sequences hold one conversation";
  EXPECT_LE(wide.first, 2) << "64 hold four";
  for (size_t i = 0; i < wide_values.size(); ++i) {
    EXPECT_NEAR(wide_values[i], narrow_values[i], 2e-2);
  }
}

TEST_F(ProbeTest, WhatOpeningsBeginWithIsComputedOnce) {
  std::vector<double> values;
  const auto [n_decode, n_token] = cost_of_probes(0, prompts_, values);
  int64_t n_prompt = 0;
  for (const Prompt& prompt : prompts_) {
    n_prompt += std::ssize(prompt.tokens);
  }
  // Eight openings share one first token and two second ones; the other eight have two each.
  EXPECT_EQ(n_token, n_prompt + std::ssize(prompts_) * (3 + 16));
}

TEST_F(ProbeTest, TwoEnginesAnswerAsOneDoes) {
  LlamaHostOptions options = demo_options();
  options.n_thread = 2;
  const auto pair = open_llama_host(options);
  const auto expected = host_->probe(requests({}));
  const auto probes = pair->probe(requests({}));
  ASSERT_EQ(probes.size(), expected.size());
  for (size_t i = 0; i < probes.size(); ++i) {
    EXPECT_NEAR(probes[i].value.log_prob[0], expected[i].value.log_prob[0], 2e-2);
  }
}

TEST_F(ProbeTest, NamesWhatCannotBeProbed) {
  std::vector<ProbeRequest> bad = requests({});
  bad[0].openings = nullptr;
  bad[1].openings =
      std::make_shared<const std::vector<TokenSequence>>(std::vector<TokenSequence>{{1}, {}});
  bad[2].tokens.clear();
  bad[3].tokens[0] = -7;
  const auto probes = host_->probe(bad);
  EXPECT_THAT(probes[0].error, testing::HasSubstr("no openings"));
  EXPECT_THAT(probes[1].error, testing::HasSubstr("empty"));
  EXPECT_FALSE(probes[2].ok());
  EXPECT_THAT(probes[3].error, testing::HasSubstr("vocabulary"));
  EXPECT_TRUE(probes[4].ok());
}

TEST_F(ProbeTest, WhereOneKindHasNoOpeningsItIsEverythingElse) {
  OutcomeSet unwanted;
  unwanted.openings = openings_;
  unwanted.prompts = {prompts_[0].tokens};
  OutcomeSet wanted = unwanted;
  wanted.n_wanted = static_cast<int64_t>(openings_->size());
  const auto margin_of = [](const OutcomeSet& set) {
    return measure_outcomes(*host_, {set}, {Question{}}).front();
  };
  double p = 0.0;
  const auto probes = host_->probe(requests({}));
  for (const double log_prob : probes[0].value.log_prob) {
    p += std::exp(log_prob);
  }
  EXPECT_NEAR(margin_of(unwanted), std::log((1.0 - p) / p), tolerance(1e-6, 5e-2));
  EXPECT_NEAR(margin_of(wanted), std::log(p / (1.0 - p)), tolerance(1e-6, 5e-2));
}

class ReferenceTest : public ProbeTest {
 protected:
  [[nodiscard]] static std::vector<OutcomeSet> texts() {
    OutcomeSet set;
    set.name = "text";
    for (const Prompt& prompt : prompts_) {
      set.texts.push_back({prompt.tokens, 3, nullptr});
    }
    return {set};
  }
};

TEST_F(ReferenceTest, TheUnsteeredModelDoesNotDivergeFromItself) {
  auto sets = texts();
  add_references(*host_, sets);
  for (const double value : measure_outcomes(*host_, sets, {{0, 0, {}}, {0, 3, {}}})) {
    EXPECT_NEAR(value, 0.0, 1e-5);
  }
}

TEST_F(ReferenceTest, IsALittleLessThanTheDivergenceOverAllTokens) {
  auto sets = texts();
  add_references(*host_, sets);
  const Steering steering{random_mask(host_->describe(), 5), 1.0F};
  const double coarse = measure_outcomes(*host_, sets, {{0, 1, steering}}).front();
  ScoreRequest request;
  request.tokens = prompts_[1].tokens;
  request.begin = 3;
  request.steering = steering;
  request.with_divergence = true;
  const Score score = host_->score({request}).front().value;
  const double fine = score.divergence / static_cast<double>(score.n_token);
  EXPECT_LE(coarse, fine + 1e-4);
  EXPECT_GT(coarse, 0.8 * fine);
}

TEST_F(ReferenceTest, ARiseIsTheLossOfTheSameTokensUnderTheMaskLessThatWithoutIt) {
  auto sets = texts();
  sets[0].rises = true;
  add_references(*host_, sets);
  const Steering steering{random_mask(host_->describe(), 5), 1.0F};
  const std::vector<double> rises = measure_outcomes(*host_, sets, {{0, 1, {}}, {0, 1, steering}});
  ScoreRequest request;
  request.tokens = prompts_[1].tokens;
  request.begin = 3;
  const Score base = host_->score({request}).front().value;
  request.steering = steering;
  const Score steered = host_->score({request}).front().value;
  EXPECT_NEAR(rises[0], 0.0, 1e-4);
  EXPECT_NEAR(rises[1],
              (base.log_prob - steered.log_prob) / static_cast<double>(base.n_token),
              tolerance(1e-4, 5e-3));
  EXPECT_GT(std::fabs(rises[1]), 1e-3);
}

TEST_F(ReferenceTest, OfAnotherLengthIsRefused) {
  auto sets = texts();
  add_references(*host_, sets);
  ScoreRequest request;
  request.tokens = prompts_[1].tokens;
  request.begin = 4;
  request.reference = sets[0].texts[1].reference;
  EXPECT_THAT(host_->score({request}).front().error, testing::HasSubstr("the reference has"));
}

}  // namespace
}  // namespace mascing
