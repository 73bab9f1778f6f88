// A model with a sliding window: cells outside the window of a sequence's end may be given away, so
// a sequence that is cut back may lack what its new end looks at.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/half.h"
#include "demo.h"

namespace mascing {
namespace {

constexpr double kOff = 0.1;       // logits of one token, apart
constexpr double kMostOff = 0.05;  // share of tokens: near ties of experts turn with the rounding
constexpr int64_t kReplyTokens = 12;

LlamaHostOptions window_options() {
  LlamaHostOptions options;
  options.path = std::string(MASCING_ZOO_MODELS) + "/gpt-oss.gguf";
  options.n_thread = 1;
  options.n_parallel = 4;
  options.n_batch = 128;
  options.n_context = 1024;
  return options;
}

/// `n` tokens that look like text, others for every `i`.
std::vector<int32_t> words(const Host& host, size_t i, size_t n) {
  static const std::vector<std::string> kWords = {
      "the", "miller", "asks", "a", "tale", "of", "old", "seals", "and", "bread", "in", "Bramwick"};
  std::string text;
  for (size_t k = 0; k < n; ++k) {
    text += " " + kWords[(k * k + 3 * k * (i + 1) + 5 * i) % kWords.size()];
  }
  std::vector<int32_t> tokens = host.tokenize(text, false);
  tokens.resize(std::min(tokens.size(), n));
  return tokens;
}

std::vector<int32_t> joined(std::vector<int32_t> head, const std::vector<int32_t>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

double share_off(const RouterTrace& a, const RouterTrace& b) {
  const int64_t n_value = a.n_layer * a.n_expert;
  int64_t n_off = 0;
  for (int64_t t = 0; t < a.n_token; ++t) {
    double most = 0.0;
    for (int64_t k = t * n_value; k < (t + 1) * n_value; ++k) {
      most = std::max(
          most, std::fabs(double{half_to_float(a.logits[k])} - double{half_to_float(b.logits[k])}));
    }
    n_off += most > kOff ? 1 : 0;
  }
  return static_cast<double>(n_off) / static_cast<double>(a.n_token);
}

TEST(SlidingWindow, PromptsWithLongAndShortSharedBeginningsAreTracedAsIfAlone) {
  const auto host = open_llama_host(window_options());
  const std::vector<int32_t> root = words(*host, 0, 24);
  const std::vector<int32_t> stem = joined(root, words(*host, 1, 90));
  std::vector<TraceRequest> requests;
  for (size_t i = 0; i < 12; ++i) {
    const std::vector<int32_t> tokens = joined(i % 3 == 2 ? root : stem, words(*host, i + 2, 60));
    const auto n = static_cast<int64_t>(tokens.size());
    requests.push_back({tokens, {static_cast<int64_t>(root.size()), n}, {}});
  }
  const auto together = host->trace(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = host->trace({requests[i]});
    ASSERT_TRUE(together[i].ok() && alone[0].ok());
    EXPECT_LT(share_off(together[i].value, alone[0].value), kMostOff) << i;
  }
}

TEST(SlidingWindow, AConversationThatIsCutBackGoesOnAsAFreshOneDoes) {
  const auto host = open_llama_host(window_options());
  std::vector<GenerateRequest> requests;
  std::vector<std::vector<int32_t>> seconds;
  for (size_t i = 0; i < 8; ++i) {
    const std::vector<int32_t> first = words(*host, i, 180);
    requests.push_back({first, {}, i});
    seconds.push_back(joined({first.begin(), first.begin() + 60}, words(*host, i + 20, 20)));
  }
  const Sampling greedy{0.0F, 0, kReplyTokens};
  std::vector<std::vector<int32_t>> replies(requests.size());
  const auto next = [&](const std::vector<FinishedReply>& finished) {
    std::vector<std::vector<int32_t>> prompts;
    for (const FinishedReply& one : finished) {
      EXPECT_TRUE(one.reply.ok()) << one.reply.error;
      prompts.emplace_back(one.i_reply == 0 ? seconds[one.i_request] : std::vector<int32_t>{});
      if (one.i_reply == 1) {
        replies[one.i_request] = one.reply.value.tokens;
      }
    }
    return prompts;
  };
  host->converse(requests, {greedy, 1}, next);
  int64_t n_different = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto fresh = host->generate({{seconds[i], {}, i}}, greedy);
    ASSERT_TRUE(fresh[0].ok()) << fresh[0].error;
    n_different += replies[i] != fresh[0].value.tokens ? 1 : 0;
  }
  EXPECT_LE(n_different, 1) << "but for a near tie";
}

}  // namespace
}  // namespace mascing
