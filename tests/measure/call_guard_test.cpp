// Long questions: they can be stopped, are divided where the model is slow, and what was answered
// stays.
#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "measure/budget_shares.h"
#include "measure/cached_evaluator.h"
#include "slow_host.h"
#include "stage/budget_spent.h"

namespace mascing {
namespace {

constexpr int64_t kGiga = int64_t{1} << 30;
constexpr int64_t kReplyTokens = 20;

std::vector<Conversation> conversations(int64_t n) {
  std::vector<Conversation> rows;
  for (int64_t i = 0; i < n; ++i) {
    Conversation row;
    row.id = "tale-" + std::to_string(i);
    row.messages = {{"user", "tell the tale of ghost " + std::to_string(i) + " please"}};
    rows.push_back(row);
  }
  return rows;
}

class CallGuardTest : public testing::Test {
 protected:
  [[nodiscard]] CachedEvaluator evaluator_on(SlowHost& host) {
    return CachedEvaluator(
        host, Cache(folder_.path("cache"), "c"), {0.0F, 0, kReplyTokens}, progress_);
  }

  TemporaryFolder folder_;
  std::vector<ProgressEvent> events_;
  int64_t n_allowed_ = 1 << 30;  ///< reports until the user wants to stop
  Progress progress_ = [this](const ProgressEvent& event) {
    events_.push_back(event);
    return std::ssize(events_) <= n_allowed_;
  };
};

TEST_F(CallGuardTest, AStopIsHeardWithinAToken) {
  SlowHost host(1.0, 0);
  CachedEvaluator evaluator = evaluator_on(host);
  n_allowed_ = 5;
  expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
    (void)evaluator.replies("labelling", conversations(64), {});
  });
  EXPECT_EQ(host.counters().n_prefill_token, 5) << "one report before the call, four within";
}

TEST_F(CallGuardTest, ProgressGoesOnWithinACallAndNamesTheSpeed) {
  SlowHost host(0.25, 0);
  CachedEvaluator evaluator = evaluator_on(host);
  (void)evaluator.replies("labelling", conversations(3), {});
  const auto speed = std::find_if(events_.begin(), events_.end(), [](const ProgressEvent& event) {
    return event.note.find("4.0 tokens/s") != std::string::npos;
  });
  ASSERT_NE(speed, events_.end());
  EXPECT_EQ(speed->stage, "labelling");
  EXPECT_EQ(speed->total, 3);
}

TEST_F(CallGuardTest, ASlowModelIsAskedInPiecesOfBoundedTime) {
  SlowHost host(1.0, 20 * kGiga);
  CachedEvaluator evaluator = evaluator_on(host);
  const auto replies = evaluator.replies("labelling", conversations(64), {});
  ASSERT_EQ(replies.size(), 64U);
  EXPECT_EQ(host.n_asked.front(), 64) << "its speed is not known before";
  EXPECT_EQ(std::accumulate(host.n_asked.begin() + 1, host.n_asked.end(), int64_t{0}), 64);
  for (auto n = host.n_asked.begin() + 1; n != host.n_asked.end(); ++n) {
    EXPECT_LE(static_cast<double>(*n * kReplyTokens), kPieceSeconds);
    EXPECT_GE(*n, 4);
  }
}

TEST_F(CallGuardTest, WhatWasAnsweredBeforeAStopIsNotAskedAgain) {
  const auto rows = conversations(64);
  SlowHost host(1.0, 20 * kGiga);
  {
    CachedEvaluator evaluator = evaluator_on(host);
    n_allowed_ = 1000;  // in the middle of the fifth piece or so
    EXPECT_THROW((void)evaluator.replies("labelling", rows, {}), Error);
  }
  const std::vector<int64_t> first_run = host.n_asked;
  ASSERT_GT(first_run.size(), 3U);
  const int64_t n_kept = std::accumulate(first_run.begin() + 1, first_run.end() - 1, int64_t{0});
  n_allowed_ = 1 << 30;
  SlowHost again(1.0, 20 * kGiga);
  CachedEvaluator evaluator = evaluator_on(again);
  const auto resumed = evaluator.replies("labelling", rows, {});
  EXPECT_EQ(again.n_asked.front(), 64 - n_kept);
  const TemporaryFolder other;
  SlowHost fresh(1.0, 20 * kGiga);
  CachedEvaluator whole(fresh, Cache(other.path("cache"), "c"), {0.0F, 0, kReplyTokens}, progress_);
  const auto expected = whole.replies("labelling", rows, {});
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(resumed[i].id, expected[i].id);
    EXPECT_EQ(resumed[i].text, expected[i].text);
  }
  EXPECT_EQ(evaluator.asked().total(), whole.asked().total()) << "each token counts once";
}

TEST_F(CallGuardTest, SmallModelsAreAskedInChunksOfOneSizeWhateverTheirSpeed) {
  SlowHost host(1.0, 5 << 20);
  CachedEvaluator evaluator = evaluator_on(host);
  (void)evaluator.replies("labelling", conversations(70), {});
  EXPECT_EQ(host.n_asked, (std::vector<int64_t>{64, 6}));
}

TEST_F(CallGuardTest, AFastLargeModelIsAskedInWholeChunks) {
  SlowHost host(0.01, 20 * kGiga);
  CachedEvaluator evaluator = evaluator_on(host);
  (void)evaluator.replies("labelling", conversations(70), {});
  EXPECT_EQ(host.n_asked, (std::vector<int64_t>{64, 6}));
}

class SlowQuestions : public CallGuardTest {
 protected:
  SlowQuestions() {
    OutcomeSet set;
    set.name = "ghosts";
    set.prompts = rendered(SlowHost(0.0, 0));
    set.openings =
        std::make_shared<const std::vector<TokenSequence>>(std::vector<TokenSequence>{{5}, {6}});
    set.n_wanted = 1;
    sets_ = {set};
    for (int64_t i = 0; i < 90; ++i) {
      questions_.push_back({0, i, {}});
    }
  }

  /// The fake host knows the words that it has rendered.
  static std::vector<TokenSequence> rendered(const SlowHost& host) {
    std::vector<TokenSequence> prompts;
    for (const Conversation& row : conversations(90)) {
      prompts.push_back(host.render(row).tokens);
    }
    return prompts;
  }

  std::vector<OutcomeSet> sets_;
  std::vector<Question> questions_;
};

TEST_F(SlowQuestions, AreAnsweredInPiecesAsTheyAreAtOnce) {
  SlowHost slow(1.0, 20 * kGiga);
  EXPECT_EQ(rendered(slow), sets_[0].prompts);
  CachedEvaluator evaluator = evaluator_on(slow);
  const auto values = evaluator.outcomes(sets_, "key", questions_);
  EXPECT_GT(slow.n_asked.size(), 3U);
  SlowHost quick(0.0, 0);
  EXPECT_EQ(rendered(quick), sets_[0].prompts);
  EXPECT_EQ(values, measure_outcomes(quick, sets_, questions_));
}

TEST_F(SlowQuestions, EndWhereTheirShareOfTheBudgetIsSpent) {
  SlowHost host(1.0, 0);
  EXPECT_EQ(rendered(host), sets_[0].prompts);
  CachedEvaluator evaluator = evaluator_on(host);
  evaluator.set_budget({1e-6, 0});
  {
    const BudgetShare share(evaluator, 0.6);
    EXPECT_THROW((void)evaluator.outcomes(sets_, "key", questions_), BudgetSpent);
    EXPECT_EQ(host.counters().n_prefill_token, 1);
  }
  EXPECT_EQ(evaluator.outcomes(sets_, "key", questions_).size(), 90U)
      << "outside of a share nothing ends";
}

TEST_F(SlowQuestions, LeaveTheWatchOfOthersInPlace) {
  SlowHost host(1.0, 0);
  int64_t n_heard = 0;
  host.set_watch([&](const HostCounters&) { return ++n_heard < 7; });
  {
    CachedEvaluator evaluator = evaluator_on(host);
    EXPECT_THROW((void)evaluator.outcomes(sets_, "key", questions_), Error);
  }
  EXPECT_EQ(n_heard, 7);
  EXPECT_TRUE(host.set_watch({})) << "it is back after the call";
}

}  // namespace
}  // namespace mascing
