// Generation: repeatable, bounded, and each request as if it were alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using testing::HasSubstr;

class GenerateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    prompts_ = new std::vector<Prompt>(demo_prompts(*host_, 8));
  }
  static void TearDownTestSuite() {
    delete prompts_;
    delete host_;
  }
  [[nodiscard]] static std::vector<GenerateRequest> requests() {
    std::vector<GenerateRequest> all;
    for (const Prompt& prompt : *prompts_) {
      all.push_back({prompt.tokens, {}, all.size()});
    }
    return all;
  }
  [[nodiscard]] static std::vector<std::string> texts(Host& host,
                                                      const std::vector<GenerateRequest>& requests,
                                                      const Sampling& sampling) {
    std::vector<std::string> all;
    for (const auto& outcome : host.generate(requests, sampling)) {
      EXPECT_TRUE(outcome.ok()) << outcome.error;
      all.push_back(outcome.value.text);
    }
    return all;
  }

  static inline Host* host_ = nullptr;
  static inline std::vector<Prompt>* prompts_ = nullptr;
};

TEST_F(GenerateTest, GreedyRepliesAreRepeatable) {
  const auto first = host_->generate(requests(), {0.0F, 0, 30});
  const auto second = host_->generate(requests(), {0.0F, 99, 30});
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].value.tokens, second[i].value.tokens);
    EXPECT_EQ(first[i].value.log_prob, second[i].value.log_prob);
    EXPECT_FALSE(first[i].value.tokens.empty());
    EXPECT_LT(first[i].value.log_prob, 0.0);
  }
}

TEST_F(GenerateTest, SampledRepliesDependOnSeedAndStreamAlone) {
  const Sampling sampling{1.5F, 5, 20};
  const auto first = texts(*host_, requests(), sampling);
  EXPECT_EQ(first, texts(*host_, requests(), sampling));
  EXPECT_NE(first, texts(*host_, requests(), {1.5F, 6, 20}));
  std::vector<GenerateRequest> streams(4, requests().front());
  for (size_t i = 0; i < streams.size(); ++i) {
    streams[i].stream = i / 2;
  }
  // Cooler: logits differ in their last digits with the place in the batch.
  const auto replies = texts(*host_, streams, {0.8F, 5, 20});
  EXPECT_EQ(replies[0], replies[1]);
  EXPECT_EQ(replies[2], replies[3]);
  EXPECT_NE(replies[0], replies[2]);
}

TEST_F(GenerateTest, TheTokenBudgetIsKept) {
  for (const int64_t n_max : {1, 5}) {
    for (const auto& outcome : host_->generate(requests(), {0.0F, 0, n_max})) {
      EXPECT_EQ(static_cast<int64_t>(outcome.value.tokens.size()), n_max);
      EXPECT_EQ(outcome.value.finish, FinishReason::kLength);
    }
  }
  int n_stop = 0;
  for (const auto& outcome : host_->generate(requests(), {0.0F, 0, 100})) {
    n_stop += outcome.value.finish == FinishReason::kStop ? 1 : 0;
    EXPECT_LT(outcome.value.tokens.size(), 100U);
  }
  EXPECT_EQ(n_stop, 8);
}

TEST_F(GenerateTest, AShorterBudgetGivesTheBeginningOfTheLongerReply) {
  const auto whole = host_->generate(requests(), {0.0F, 0, 12});
  const auto part = host_->generate(requests(), {0.0F, 0, 6});
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto& tokens = whole[i].value.tokens;
    const std::vector<int32_t> head(tokens.begin(),
                                    tokens.begin() + std::min<int64_t>(6, tokens.size()));
    EXPECT_EQ(part[i].value.tokens, head);
  }
}

TEST_F(GenerateTest, APromptBeyondTheContextFailsAloneAndNamesBothNumbers) {
  auto some = requests();
  some.resize(3);
  const int64_t n_context = host_->context_size();
  some[1].tokens.assign(static_cast<size_t>(n_context + 7), some[0].tokens.back());
  const auto outcomes = host_->generate(some, {0.0F, 0, 4});
  EXPECT_TRUE(outcomes[0].ok());
  EXPECT_TRUE(outcomes[2].ok());
  EXPECT_FALSE(outcomes[1].ok());
  EXPECT_THAT(outcomes[1].error, HasSubstr(std::to_string(n_context + 7)));
  // One of the context's places belongs to the reply.
  EXPECT_THAT(outcomes[1].error, HasSubstr(std::to_string(n_context - 1)));
}

TEST_F(GenerateTest, AFullContextEndsTheReplyAsTooLong) {
  LlamaHostOptions options = demo_options();
  options.n_context = 256;
  const auto small = open_llama_host(options);
  ASSERT_EQ(small->context_size(), 256);
  const std::vector<int32_t> tokens = small->tokenize(std::string(2000, 'e'), true);
  GenerateRequest request{{tokens.begin(), tokens.begin() + 1}, {}, 0};
  while (request.tokens.size() < 253) {
    request.tokens.push_back(prompts_->front().tokens[request.tokens.size() % 20]);
  }
  const auto outcomes = small->generate({request}, {0.0F, 0, 100});
  ASSERT_TRUE(outcomes[0].ok()) << outcomes[0].error;
  EXPECT_EQ(outcomes[0].value.tokens.size(), 3U);
  EXPECT_EQ(outcomes[0].value.finish, FinishReason::kLength);
}

TEST_F(GenerateTest, FewerPlacesAndCellsThanRequestsGiveTheSameReplies) {
  LlamaHostOptions options = demo_options();
  options.n_parallel = 3;
  options.n_batch = 48;
  options.n_context = 300;
  const auto narrow = open_llama_host(options);
  EXPECT_EQ(texts(*narrow, requests(), {0.0F, 0, 25}), texts(*host_, requests(), {0.0F, 0, 25}));
}

TEST_F(GenerateTest, EachRequestOfABatchIsSteeredAsIfAlone) {
  auto mixed = requests();
  for (size_t i = 0; i < mixed.size(); ++i) {
    if (i % 4 != 3) {
      mixed[i].steering = {random_mask(host_->describe(), i), 0.5F * static_cast<float>(i % 4)};
    }
  }
  const Sampling sampling{0.0F, 0, 25};
  const auto together = texts(*host_, mixed, sampling);
  for (size_t i = 0; i < mixed.size(); ++i) {
    EXPECT_EQ(texts(*host_, {mixed[i]}, sampling).front(), together[i]) << "request " << i;
  }
  EXPECT_NE(together, texts(*host_, requests(), sampling));
}

TEST_F(GenerateTest, AnIdleMaskRepeatsTheUnsteeredReplyBitForBit) {
  auto idle = requests();
  const auto zero = std::make_shared<const Mask>(zero_mask(host_->describe()));
  for (size_t i = 0; i < idle.size(); ++i) {
    idle[i].steering =
        i % 2 == 0 ? Steering{zero, 2.0F} : Steering{random_mask(host_->describe(), i), 0.0F};
  }
  const auto plain = host_->generate(requests(), {0.0F, 0, 20});
  const auto masked = host_->generate(idle, {0.0F, 0, 20});
  for (size_t i = 0; i < idle.size(); ++i) {
    EXPECT_EQ(plain[i].value.tokens, masked[i].value.tokens);
    EXPECT_EQ(plain[i].value.log_prob, masked[i].value.log_prob);
  }
}

TEST_F(GenerateTest, AStreamPassesOnEveryTokenOfTheSameReplies) {
  for (const int64_t n_thread : {1, 3}) {
    LlamaHostOptions options = demo_options();
    options.n_thread = n_thread;
    const auto host = open_llama_host(options);
    std::vector<std::string> heard(prompts_->size());
    std::vector<int64_t> n_heard(prompts_->size(), 0);
    const auto streamed = host->stream(requests(), {0.0F, 0, 25}, [&](const TokenView& token) {
      EXPECT_EQ(token.i_token, n_heard.at(token.i_request)++);
      heard.at(token.i_request) += token.text;
    });
    const auto replies = host->generate(requests(), {0.0F, 0, 25});
    for (size_t i = 0; i < replies.size(); ++i) {
      EXPECT_EQ(streamed[i].value.tokens, replies[i].value.tokens);
      EXPECT_EQ(streamed[i].value.text, replies[i].value.text);
      EXPECT_EQ(n_heard[i], std::ssize(replies[i].value.tokens));
      EXPECT_THAT(heard[i], HasSubstr(replies[i].value.text));
    }
  }
}

TEST_F(GenerateTest, AStreamEndsWithItsListenersException) {
  int64_t n_token = 0;
  const auto stop_at_five = [&](const TokenView&) {
    if (++n_token == 5) {
      throw Error(ErrorKind::kInterrupted, "enough");
    }
  };
  EXPECT_THROW((void)host_->stream(requests(), {0.0F, 0, 25}, stop_at_five), Error);
  EXPECT_EQ(n_token, 5);
  EXPECT_TRUE(host_->generate({requests().front()}, {0.0F, 0, 3})[0].ok());
}

TEST_F(GenerateTest, NoTokensAndUnknownTokensAreErrorsOfTheirRequests) {
  const auto outcomes =
      host_->generate({{{}, {}, 0}, {{1, 1 << 30}, {}, 0}, {{1, -5}, {}, 0}}, {0.0F, 0, 4});
  for (const auto& outcome : outcomes) {
    EXPECT_FALSE(outcome.ok());
  }
  EXPECT_TRUE(host_->generate({}, {}).empty());
}

TEST_F(GenerateTest, CountersGrowWithTheWork) {
  const HostCounters before = host_->counters();
  const auto outcomes = host_->generate({requests().front()}, {0.0F, 0, 4});
  const HostCounters after = host_->counters();
  EXPECT_EQ(after.n_prefill_token - before.n_prefill_token,
            static_cast<int64_t>(requests().front().tokens.size()));
  EXPECT_GE(after.n_generated_token - before.n_generated_token, 3);
  EXPECT_GT(after.seconds, before.seconds);
}

}  // namespace
}  // namespace mascing
