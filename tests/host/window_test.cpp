// A model with a sliding window: cells outside the window of a sequence's end may be given away, so
// a sequence that is cut back may lack what its new end looks at.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/half.h"
#include "base/random.h"
#include "demo.h"

namespace mascing {
namespace {

constexpr double kOff = 0.1;       // of a logit; what has lost its window is off by several
constexpr double kMostOff = 0.02;  // share of tokens: near ties of experts turn with the rounding

/// The trained gpt-oss of the zoo; its window has 128 tokens.
std::unique_ptr<Host> open_window_host(LlamaHostOptions options = {}) {
  options.path = std::string(MASCING_ZOO_MODELS) + "/gpt-oss.gguf";
  options.n_thread = 1;
  return open_llama_host(options);
}

/// `n` tokens from [low, high).
std::vector<int32_t> some_words(size_t n, uint64_t seed, int32_t low, int32_t high) {
  std::vector<int32_t> tokens(n);
  for (size_t i = 0; i < n; ++i) {
    tokens[i] = low + static_cast<int32_t>(mix_seed(seed, i) % static_cast<uint64_t>(high - low));
  }
  return tokens;
}

std::vector<int32_t> joined(std::vector<int32_t> head, const std::vector<int32_t>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

std::vector<int32_t> first_of(const std::vector<int32_t>& tokens, int64_t n) {
  return {tokens.begin(), tokens.begin() + n};
}

double share_off(const RouterTrace& a, const RouterTrace& b) {
  const int64_t n_value = a.n_layer * a.n_expert;
  int64_t n_off = 0;
  for (int64_t t = 0; t < a.n_token; ++t) {
    double most = 0.0;
    for (int64_t k = t * n_value; k < (t + 1) * n_value; ++k) {
      const double x = half_to_float(a.logits[k]);
      const double y = half_to_float(b.logits[k]);
      most = std::max(most, std::fabs(x - y));
    }
    n_off += most > kOff ? 1 : 0;
  }
  return static_cast<double>(n_off) / static_cast<double>(a.n_token);
}

TEST(SlidingWindow, PromptsWithLongAndShortSharedBeginningsAreTracedAsIfAlone) {
  const auto host = open_window_host();
  // In the order of their tokens, so that a long beginning is kept before a short one.
  const std::vector<int32_t> root = some_words(60, 1, 500, 1500);
  const std::vector<int32_t> stem = joined(root, some_words(290, 2, 900, 1000));
  const std::vector<std::vector<int32_t>> prompts = {
      joined(root, some_words(90, 3, 500, 600)),
      joined(stem, some_words(10, 4, 500, 600)),
      joined(stem, some_words(400, 5, 1400, 1500)),
      joined(first_of(stem, 210), some_words(600, 6, 1400, 1500))};
  std::vector<TraceRequest> requests;
  for (const std::vector<int32_t>& tokens : prompts) {
    requests.push_back({tokens, {0, static_cast<int64_t>(tokens.size())}, {}});
  }
  const auto together = host->trace(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = host->trace({requests[i]});
    ASSERT_TRUE(together[i].ok() && alone[0].ok());
    EXPECT_LT(share_off(together[i].value, alone[0].value), kMostOff) << i;
  }
}

/// Prompts of one conversation, each with less of the first one than the one before. Every second
/// conversation has fewer, so that some begin while others are cut back.
std::vector<std::vector<int32_t>> shrinking_prompts(size_t i) {
  const std::vector<int32_t> all = some_words(500, 10 + i, 500, 1500);
  std::vector<std::vector<int32_t>> prompts;
  for (const int64_t n : {500, 420, 340, 260, 180, 100}) {
    if (i % 2 == 0 || n < 300) {
      prompts.push_back(
          joined(first_of(all, n), some_words(2, 90 * i + prompts.size(), 500, 1500)));
    }
  }
  return prompts;
}

TEST(SlidingWindow, ConversationsThatAreCutBackGoOnAsFreshOnesDo) {
  LlamaHostOptions options;
  options.n_parallel = 4;
  options.n_context = 1600;  // little room: cells are given away
  const auto host = open_window_host(options);
  constexpr size_t kTalks = 16;
  const Sampling one_token{0.0F, 0, 1};
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < kTalks; ++i) {
    requests.push_back({shrinking_prompts(i).front(), {}, i});
  }
  std::vector<std::vector<double>> log_probs(kTalks);
  const auto next = [&](const std::vector<FinishedReply>& finished) {
    std::vector<std::vector<int32_t>> prompts;
    for (const FinishedReply& one : finished) {
      EXPECT_TRUE(one.reply.ok()) << one.reply.error;
      log_probs[one.i_request].push_back(one.reply.value.log_prob);
      auto all = shrinking_prompts(one.i_request);
      all.resize(all.size() + 1);
      prompts.push_back(all.at(one.i_reply + 1));
    }
    return prompts;
  };
  host->converse(requests, {one_token, 1}, next);
  int64_t n_off = 0;
  for (size_t i = 0; i < kTalks; ++i) {
    const auto prompts = shrinking_prompts(i);
    ASSERT_EQ(log_probs[i].size(), prompts.size());
    for (size_t k = 0; k < prompts.size(); ++k) {
      const auto fresh = host->generate({{prompts[k], {}, i}}, one_token);
      ASSERT_TRUE(fresh[0].ok()) << fresh[0].error;
      n_off += std::fabs(log_probs[i][k] - fresh[0].value.log_prob) > kOff ? 1 : 0;
    }
  }
  EXPECT_LE(n_off, 1) << "but for a near tie";
}

}  // namespace
}  // namespace mascing
