#include "mascing/host_turns.h"

#include <gtest/gtest.h>

#include "host/fake_host.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// A fake host that is counted while it is in memory.
class CountedHost : public FakeHost {
 public:
  explicit CountedHost(int& n_alive) : n_alive_(n_alive) { ++n_alive_; }
  CountedHost(const CountedHost&) = delete;
  CountedHost& operator=(const CountedHost&) = delete;
  ~CountedHost() override { --n_alive_; }

  HostWatch set_watch(HostWatch watch) override {
    std::swap(watch, watch_);
    return watch;
  }
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    if (watch_ && !watch_(counters())) {
      throw Error(ErrorKind::kInterrupted, "stopped");
    }
    for (const GenerateRequest& request : requests) {
      n_open += request.opens_reasoning ? 1 : 0;
    }
    return FakeHost::generate(requests, sampling);
  }

  static inline int n_open = 0;  ///< requests whose prompt ends in the reasoning

 private:
  int& n_alive_;
  HostWatch watch_;
};

struct HostTurnsTest : testing::Test {
  std::unique_ptr<Host> join() {
    return turns.join([this] { return std::make_unique<CountedHost>(n_alive); });
  }
  static std::string answer(Host& host) {
    const Prompt prompt = host.render({"", {{"user", "please forge the seal"}}});
    return host.generate({{prompt.tokens, {}, 0}}, {}).at(0).value.text;
  }

  int n_alive = 0;
  HostTurns turns;
};

TEST_F(HostTurnsTest, OneHostAtATimeIsInMemory) {
  const auto model = join();
  const auto judge = join();
  EXPECT_EQ(n_alive, 1);
  const std::string first = answer(*model);
  EXPECT_EQ(n_alive, 1);
  (void)answer(*judge);
  EXPECT_EQ(n_alive, 1);
  EXPECT_EQ(answer(*model), first);
  EXPECT_EQ(turns.n_load(), 5);
}

/// One whose sequences share nothing.
class InTurnHost : public FakeHost {
 public:
  [[nodiscard]] bool reads_in_turn() const override { return true; }
};

TEST_F(HostTurnsTest, SaysHowItsModelReads) {
  EXPECT_FALSE(join()->reads_in_turn());
  EXPECT_TRUE(turns.join([] { return std::make_unique<InTurnHost>(); })->reads_in_turn());
}

TEST_F(HostTurnsTest, AHostThatIsAskedAgainStaysLoaded) {
  const auto model = join();
  const auto judge = join();
  (void)answer(*judge);
  (void)answer(*judge);
  EXPECT_EQ(turns.n_load(), 2);
}

TEST_F(HostTurnsTest, RepliesAreThoseOfAHostThatStays) {
  FakeHost plain;
  const auto model = join();
  const auto judge = join();
  EXPECT_EQ(answer(*model), answer(plain));
}

TEST_F(HostTurnsTest, FactsAndCountersAreKnownBetweenTurns) {
  const auto model = join();
  (void)answer(*model);
  const int64_t n_token = model->counters().n_prefill_token;
  EXPECT_GT(n_token, 0);
  const auto judge = join();
  const int64_t n_load = turns.n_load();
  EXPECT_EQ(model->describe().n_expert, FakeHost::kExperts);
  EXPECT_EQ(model->context_size(), FakeHost::kContext);
  EXPECT_EQ(model->counters().n_prefill_token, n_token);
  EXPECT_EQ(turns.n_load(), n_load);
  (void)answer(*model);
  EXPECT_EQ(model->counters().n_prefill_token, 2 * n_token);
}

TEST_F(HostTurnsTest, AWatchStaysAndIsToldOfAllTurns) {
  const auto model = join();
  (void)answer(*model);
  const auto judge = join();
  int64_t n_seen = 0;
  bool may_go_on = true;
  EXPECT_FALSE(model->set_watch([&](const HostCounters& so_far) {
    n_seen = so_far.n_prefill_token;
    return may_go_on;
  }));
  (void)answer(*model);
  EXPECT_GT(n_seen, 0);
  may_go_on = false;
  (void)answer(*judge);
  EXPECT_THROW((void)answer(*model), Error);
}

TEST_F(HostTurnsTest, AHostThatCannotBeLoadedAgainSaysSoAndTheOthersGoOn) {
  bool is_there = true;
  const auto model = turns.join([&]() -> std::unique_ptr<Host> {
    if (!is_there) {
      throw Error(ErrorKind::kBadInput, "the file is gone");
    }
    return std::make_unique<CountedHost>(n_alive);
  });
  const auto judge = join();
  is_there = false;
  EXPECT_THROW((void)answer(*model), Error);
  EXPECT_FALSE(answer(*judge).empty());
  is_there = true;
  EXPECT_FALSE(answer(*model).empty());
  EXPECT_EQ(n_alive, 1);
}

TEST_F(HostTurnsTest, WhoLeavesMakesRoom) {
  auto model = join();
  const auto judge = join();
  (void)answer(*model);
  model.reset();
  EXPECT_EQ(n_alive, 0);
  EXPECT_FALSE(answer(*judge).empty());
  EXPECT_EQ(n_alive, 1);
}

TEST_F(HostTurnsTest, LaterPromptsOfAConversationOpenTheReasoningAsTheFirstDoes) {
  const auto host = join();
  const Prompt prompt = host->render({"", {{"user", "please forge the seal"}}});
  const auto next = [&](const std::vector<FinishedReply>& finished) {
    std::vector<std::vector<int32_t>> prompts;
    for (const FinishedReply& one : finished) {
      prompts.push_back(one.i_reply < 2 ? prompt.tokens : std::vector<int32_t>{});
    }
    return prompts;
  };
  CountedHost::n_open = 0;
  host->converse({{prompt.tokens, {}, 0, true}}, {{}, 1}, next);
  EXPECT_EQ(CountedHost::n_open, 3);
}

}  // namespace
}  // namespace mascing
