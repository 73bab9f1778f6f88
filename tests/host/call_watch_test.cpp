// Calls that somebody wants to end.
#include <algorithm>
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "demo.h"

namespace mascing {
namespace {

/// Two prompts of the demo, to be answered at length.
std::vector<GenerateRequest> requests_of(const Host& host) {
  std::vector<GenerateRequest> requests;
  for (const Prompt& prompt : demo_prompts(host, 2)) {
    requests.push_back({prompt.tokens, {}, 0});
  }
  return requests;
}

TEST(CallWatchTest, ACallEndsWhereTheWatchSaysNoAndTheNextOneIsAsEver) {
  const auto host = open_llama_host(demo_options());
  const auto requests = requests_of(*host);
  const auto expected = host->generate(requests, {0.0F, 0, 24});
  int64_t n_asked = 0;
  EXPECT_FALSE(host->set_watch([&](const HostCounters&) {
    ++n_asked;
    return false;
  }));
  expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
    (void)host->generate(requests, {0.0F, 0, 24});
  });
  expect_error(ErrorKind::kInterrupted, "", [&] {
    (void)host->score({{requests[0].tokens, 1, {}}});
  });
  expect_error(ErrorKind::kInterrupted, "", [&] {
    (void)host->trace({{requests[0].tokens, {0, 4}, {}}});
  });
  EXPECT_EQ(n_asked, 3) << "a call that is to end does not ask again";
  EXPECT_TRUE(host->set_watch({}));
  const auto again = host->generate(requests, {0.0F, 0, 24});
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(again[i].value.tokens, expected[i].value.tokens);
  }
}

TEST(CallWatchTest, AnExceptionOfTheWatchEndsTheCall) {
  const auto host = open_llama_host(demo_options());
  host->set_watch(
      [](const HostCounters&) -> bool { throw Error(ErrorKind::kSystem, "no more ink"); });
  expect_error(ErrorKind::kSystem, "no more ink", [&] {
    (void)host->generate(requests_of(*host), {0.0F, 0, 8});
  });
}

TEST(CallWatchTest, TheWatchSeesTheWorkGrow) {
  auto watch = std::make_shared<CallWatch>(std::chrono::milliseconds(0));
  Engine engine(std::make_shared<const LoadedModel>(demo_options()),
                demo_options(),
                Engine::Purpose::kServe,
                watch);
  std::vector<int64_t> seen;
  watch->set([&](const HostCounters& so_far) {
    seen.push_back(so_far.n_prefill_token);
    return true;
  });
  watch->begin(0.0);
  TokenBatch batch(8, 1);
  for (int64_t i = 0; i < 3; ++i) {
    batch.clear();
    for (int32_t t = 0; t < 8; ++t) {
      batch.add(t + 1, i * 8 + t, {0, 1}, false, {});
    }
    engine.counters.n_prefill_token += 8;
    engine.decode(batch, false);
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 24);
}

TEST(CallWatchTest, ADecodeIsLeftBetweenTwoOperations) {
  auto watch = std::make_shared<CallWatch>(std::chrono::milliseconds(0));
  Engine engine(std::make_shared<const LoadedModel>(demo_options()),
                demo_options(),
                Engine::Purpose::kServe,
                watch);
  int64_t n_asked = 0;
  int64_t n_allowed = 1 << 20;
  watch->set([&](const HostCounters&) { return ++n_asked <= n_allowed; });
  const auto decode = [&] {
    n_asked = 0;
    watch->begin(0.0);
    engine.forget();
    TokenBatch batch(16, 1);
    for (int32_t t = 0; t < 16; ++t) {
      batch.add(t + 1, t, {0, 1}, t == 15, {});
    }
    engine.decode(batch, false);
    return engine.logits(15)[0];
  };
  const float whole = decode();
  const int64_t n_operation = n_asked;
  EXPECT_GT(n_operation, 100) << "a graph of six blocks has hundreds";
  n_allowed = n_operation / 2;
  expect_error(ErrorKind::kInterrupted, "stopped on request", [&] { (void)decode(); });
  EXPECT_EQ(n_asked, n_allowed + 1);
  n_allowed = 1 << 20;
  EXPECT_EQ(decode(), whole);
}

TEST(CallWatchTest, AReversePassEndsAsWell) {
  const auto host = open_llama_host(demo_options());
  GradientRequest request;
  request.tokens = demo_prompts(*host, 1)[0].tokens;
  request.begin = 0;
  request.openings = std::make_shared<const std::vector<std::vector<int32_t>>>(
      std::vector<std::vector<int32_t>>{{1}, {2}});
  request.steering = {random_mask(host->describe(), 2), 1.0F};
  request.outcomes = {[&](const OpeningScores& scores, OpeningScores& d_scores) {
    host->set_watch([](const HostCounters&) { return false; });  // the forward pass is over
    d_scores.log_prob[0] = 1.0;
    return scores.log_prob[0];
  }};
  expect_error(ErrorKind::kInterrupted, "stopped", [&] { (void)host->gradients({request}); });
}

}  // namespace
}  // namespace mascing
